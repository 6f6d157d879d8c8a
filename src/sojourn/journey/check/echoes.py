"""Finds journeys that call themselves: what they put on tapes would let their own customers in again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sojourn.journey.check import graph
from sojourn.journey.check.finding import ERROR, WARNING, Finding, asks
from sojourn.journey.definition import Journey, Trigger
from sojourn.journey.effects import Mark, Send
from sojourn.rule.where import where
from sojourn.tape.build import build
from sojourn.tape.tape import Column


def echoes(journey: Journey) -> Iterator[Finding]:
    """Events of the journey itself by which its customers would enter it again for ever."""
    at_once = graph.ending_at_once(journey)
    for trigger in journey.enter:
        severity = WARNING if trigger.condition else ERROR  # the condition may well put an end to it
        for step, mark in _marks(journey):
            outside = not step or step in at_once
            again = trigger.again.kind == "parallel" or (trigger.again.kind == "after leaving" and outside)
            if again and _triggers(trigger, mark):
                what = f"its own event {mark.name!r} lets customers in again, and so on for ever"
                yield Finding(severity, step, f"{what}; change `again` or `where`")


def _marks(journey: Journey) -> Iterator[tuple[str, Mark]]:
    """The events that the journey puts on tapes, by the step that does ('' as it leaves)."""
    for step, ask in asks(journey):
        told = {"journey": journey.name, "step": step}
        if isinstance(ask, Mark):
            yield step, Mark(ask.name, {**told, **ask.properties})
        elif isinstance(ask, Send):
            yield step, Mark("Message Planned", {**told, "template": ask.template})
    yield journey.steps[0].id, Mark("Journey Entered", {"journey": journey.name})
    yield "", Mark("Journey Left", {"journey": journey.name})


def _triggers(trigger: Trigger, mark: Mark) -> bool:
    """Whether the mark is one of the trigger's events."""
    if trigger.event != mark.name:
        return False
    at = np.zeros(1, np.int64)
    values = {name: value for name, value in mark.properties.items() if isinstance(value, str | int | float)}
    properties = {name: Column.of(at, [value]) for name, value in values.items()}
    tape = build(at, at, None, at.astype(np.int32), (mark.name,), properties=properties)
    return bool(where(tape, trigger.where).all())
