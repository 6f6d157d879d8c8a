"""Segments over history, for drafts that start from them: as if they had been followed all the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from sojourn.customer.marks import SEGMENT_ENTERED, SEGMENT_LEFT
from sojourn.customer.segments import Membership
from sojourn.journey.definition import Journey, Trigger
from sojourn.journey.world import World
from sojourn.rule.definition import Comparison, Condition, Rule
from sojourn.rule.needs import needs
from sojourn.rule.where import where
from sojourn.runtime.belonging.following import Following
from sojourn.tape.build import keep
from sojourn.tape.memory import remembered
from sojourn.tape.selection import select
from sojourn.tape.tape import NEVER, Tape

MARKS = frozenset({SEGMENT_ENTERED, SEGMENT_LEFT})


def heard(journey: Journey, segments: Mapping[str, Rule]) -> frozenset[str]:
    """The segments whose marks the journey hears: those that its triggers name, or all if a rule asks."""
    if any(MARKS & needs(rule, segments).events for rule in journey.rules()):
        return frozenset(segments)
    mine = [trigger for trigger in journey.enter if trigger.event in MARKS]
    return frozenset(name for name in segments if any(_may_start(trigger, name) for trigger in mine))


def without_marks(segments: frozenset[str], history: Tape) -> Tape:
    """The history without the recorded marks of these segments."""
    if not segments or not MARKS & history.codes.keys():
        return history
    return remembered(history, ("without marks", segments), lambda: _without(segments, history))


def from_the_start(segments: Iterable[str], world: World, until: int) -> list[Following]:
    """What follows these segments through all of history; before their first event customers are in none."""
    received, starts = np.append(world.tape.received, NEVER), world.tape.starts
    first = np.where(np.diff(starts) > 0, received[starts[:-1]], NEVER)
    return [Following(name, world, Membership.starting(first), until) for name in sorted(segments)]


def _may_start(trigger: Trigger, segment: str) -> bool:
    asked = [test for condition in trigger.where if condition.name == "segment" for test in condition.tests]
    return all(test.how != "is" or test.value == segment for test in asked)


def _without(segments: frozenset[str], history: Tape) -> Tape:
    kept = np.ones(len(history), np.bool_)
    for name in segments:
        said = where(history, (Condition("segment", (Comparison("is", name),)),))
        kept[select(history, MARKS, said).positions] = False
    return keep(history, kept)
