"""What customers belong to over history, for drafts that start from it: as if always followed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from sojourn.customer.marks import SCORE_CHANGED, SEGMENT_ENTERED, SEGMENT_LEFT
from sojourn.customer.references import Definitions
from sojourn.customer.segments import Membership
from sojourn.journey.definition import DATE_REACHED, Journey, Trigger
from sojourn.journey.world import World
from sojourn.rule.definition import LIFECYCLE_CHANGED, Comparison, Condition
from sojourn.rule.needs import needs
from sojourn.rule.where import where
from sojourn.runtime.belonging.following import Following
from sojourn.runtime.belonging.telling import tellers
from sojourn.runtime.belonging.watched import Followed, watched
from sojourn.tape.build import keep
from sojourn.tape.memory import remembered
from sojourn.tape.selection import select
from sojourn.tape.tape import NEVER, Tape

OF_SEGMENTS = frozenset({SEGMENT_ENTERED, SEGMENT_LEFT})
MARKS = OF_SEGMENTS | {SCORE_CHANGED, LIFECYCLE_CHANGED, DATE_REACHED}
_MARKED = {"segment": OF_SEGMENTS, "score": {SCORE_CHANGED}, "date": {DATE_REACHED}}


def heard(journey: Journey, known: Definitions) -> tuple[Followed, ...]:
    """What the journey hears the marks of: segments and scores that its triggers or rules name, all segments
    if a rule asks for their marks, and the lifecycle where anything heard asks for its stages."""
    every = watched(known, [(0, journey)])
    rules = [needs(rule, known.named) for rule in journey.rules()]
    asks = frozenset[str]().union(*(one.events for one in rules))
    mine = [trigger for trigger in journey.enter if trigger.event in OF_SEGMENTS]

    def is_heard(segment: str) -> bool:
        return bool(OF_SEGMENTS & asks) or any(_may_start(trigger, segment) for trigger in mine)

    found = [
        one
        for one in every
        if one.kind in ("score", "date") or (one.kind == "segment" and is_heard(one.name))
    ]
    events = asks.union(*(needs(one.rule, known.named).events for one in found))
    if LIFECYCLE_CHANGED in events | {trigger.event for trigger in journey.enter}:
        found += [one for one in every if one.kind == "stage"]
    return tuple(one for one in every if one in found)


def without_marks(followed: Collection[Followed], history: Tape) -> Tape:
    """The history without the recorded marks of what is followed."""
    if not followed or not MARKS & history.codes.keys():
        return history
    named = frozenset((one.kind, one.name) for one in followed)
    return remembered(history, ("without marks", named), lambda: _without(named, history))


def from_the_start(followed: Iterable[Followed], world: World, until: int) -> list[Following]:
    """What follows these through all of history; before their first event customers belong to nothing."""
    received, starts = np.append(world.tape.received, NEVER), world.tape.starts
    first = np.where(np.diff(starts) > 0, received[starts[:-1]], NEVER)
    begun = Membership.starting(first)
    return [
        Following(teller, world, [begun] * len(teller.tracks), until) for teller in tellers(followed, world)
    ]


def _may_start(trigger: Trigger, segment: str) -> bool:
    asked = [test for condition in trigger.where if condition.name == "segment" for test in condition.tests]
    return all(test.how != "is" or test.value == segment for test in asked)


def _without(named: frozenset[tuple[str, str]], history: Tape) -> Tape:
    kept = np.ones(len(history), np.bool_)
    for kind, name in named:
        if kind == "stage":
            kept[select(history, {LIFECYCLE_CHANGED}).positions] = False
        else:
            said = where(history, (Condition(kind, (Comparison("is", name),)),))
            kept[select(history, _MARKED[kind], said).positions] = False
    return keep(history, kept)
