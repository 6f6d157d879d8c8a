"""Picks events by name and by conditions on their own properties."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sojourn.rule.compare import Values, holds
from sojourn.rule.definition import EVENTS, Comparison, Condition, Link, Outcome
from sojourn.tape.memory import remembered
from sojourn.tape.selection import Selection, select, union
from sojourn.tape.tape import Bools, Ints, Tape

BY_MACHINE = (Condition("machine", (Comparison("is", True),)),)


def where(tape: Tape, conditions: Iterable[Condition], zone: str = "UTC") -> Bools:
    """The events that meet all conditions: bool[n].

    What is relative to now is so to the time of the event itself.  A property that an event does
    not carry compares false.
    """
    mask = np.ones(len(tape), np.bool_)
    for condition in conditions:
        mask &= _meets(tape, condition, zone)
    return mask


def named(tape: Tape, event: str, conditions: tuple[Condition, ...], zone: str) -> Selection:
    """The events of a name that meet the conditions; remembered with the tape."""

    def pick() -> Selection:
        unknown = event not in tape.codes
        return select(tape, (event,), None if unknown or not conditions else where(tape, conditions, zone))

    return remembered(tape, (event, conditions, zone), pick)


def linked(tape: Tape, links: tuple[Link, ...], zone: str) -> Selection:
    """The events that may be one of the links of a sequence; remembered with the tape."""
    each = [named(tape, link.event, link.where, zone) for link in links]
    return remembered(tape, (links, zone), lambda: union(tape, *each))


def which_links(tape: Tape, selection: Selection, links: tuple[Link, ...], zone: str) -> Ints:
    """Which links each event of `linked` may be: int64[k], one bit a link; remembered with the selection."""

    def mark() -> Ints:
        bits = np.zeros(len(selection), np.int64)
        for number, link in enumerate(links):
            positions = named(tape, link.event, link.where, zone).positions
            bits[np.searchsorted(selection.positions, positions)] |= 1 << number
        return bits

    return remembered(selection, (links, zone), mark)


def told(tape: Tape, rule: Outcome, journey: str, zone: str) -> Selection:
    """The events that tell an outcome of messages; a step is one of `journey`; remembered with the tape."""
    named_ones = {"step": rule.step, "template": rule.template, "journey": _journey(rule, journey)}
    asked = tuple(Condition(name, (Comparison("is", value),)) for name, value in named_ones.items() if value)
    conditions = (*asked, *rule.where)

    def pick() -> Selection:
        names = EVENTS[rule.what]
        if not any(name in tape.codes for name in names):
            return select(tape, names)
        mask = where(tape, conditions, zone)
        return select(tape, names, mask if rule.machine else mask & ~where(tape, BY_MACHINE))

    return remembered(tape, (rule.what, conditions, rule.machine, zone), pick)


def of_this_run(rule: Outcome) -> bool:
    """Whether the outcome is one of a step of the asking run itself."""
    return bool(rule.step) and not rule.journey


def _journey(rule: Outcome, journey: str) -> str:
    return journey if of_this_run(rule) else rule.journey


def _meets(tape: Tape, condition: Condition, zone: str) -> Bools:
    column = tape.properties[condition.name]
    values = Values(column, column.numbers, column.codes)
    absence = all(test.how == "exists" and test.value is False for test in condition.tests)
    mask = np.full(len(tape), absence)
    mask[column.positions] = holds(condition.tests, (values,), tape.times[column.positions], zone)
    return mask
