"""Picks events by name and by conditions on their own properties."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sojourn.rule.compare import holds, values_at
from sojourn.rule.definition import EVENTS, Comparison, Condition, Link, Outcome
from sojourn.tape.kernels.order import falls
from sojourn.tape.memory import remembered
from sojourn.tape.selection import Selection, carrying, select
from sojourn.tape.tape import Bools, Ints, Tape

BY_MACHINE = (Condition("machine", (Comparison("is", True),)),)


def where(tape: Tape, conditions: Iterable[Condition], zone: str = "UTC") -> Bools:
    """The events that meet all conditions: bool[n].

    What is relative to now is so to the time of the event itself.  A property that an event does
    not carry compares false.
    """
    return _meets(tape, np.arange(len(tape)), conditions, zone)


def named(tape: Tape, event: str, conditions: tuple[Condition, ...], zone: str) -> Selection:
    """The events of a name that meet the conditions; remembered with the tape."""
    return _selected(tape, (event,), conditions, zone)


def told(tape: Tape, rule: Outcome, journey: str, zone: str) -> Selection:
    """The events that tell an outcome of messages; a step is one of `journey`; remembered with the tape."""
    asked = {"step": rule.step, "template": rule.template}
    asked["journey"] = journey if of_this_run(rule) else rule.journey
    by_name = tuple(Condition(name, (Comparison("is", value),)) for name, value in asked.items() if value)
    return _selected(tape, EVENTS[rule.what], (*by_name, *rule.where), zone, human=not rule.machine)


def keyed(tape: Tape, keys: Ints) -> Ints:
    """The positions of the events with these keys, int64[k]; -1 where the tape has none."""
    order = remembered(tape, "by key", lambda: np.argsort(tape.keys, kind="stable"))
    places = np.minimum(np.searchsorted(tape.keys, keys, sorter=order), len(order) - 1)
    return np.where(tape.keys[order[places]] == keys, order[places], -1)


def carrying_trait(tape: Tape, name: str) -> Selection:
    """The events that carry a trait."""
    column = tape.traits[name]
    return carrying(tape, column) if len(column.positions) else nothing(tape)


def nothing(tape: Tape) -> Selection:
    """No event at all, in no time: most of the tapes that marks make up hold nothing of what is asked."""
    none = np.empty(0, np.int64)
    return Selection(np.zeros(len(tape.starts), np.int64), none, none, none, late=False)


def of_this_run(rule: Outcome) -> bool:
    """Whether the outcome is one of a step of the asking run itself."""
    return bool(rule.step) and not rule.journey


def linked(tape: Tape, links: tuple[Link, ...], zone: str) -> tuple[Selection, Ints]:
    """The events that may be links of a sequence, and which, one bit a link: int64[k]; remembered."""

    if not any(link.event in tape.codes for link in links):
        return nothing(tape), np.empty(0, np.int64)

    def mark() -> tuple[Selection, Ints]:
        smallest: type[np.signedinteger] = np.int8 if len(links) < 8 else np.int32
        bits = np.zeros(len(tape), smallest)
        for number, link in enumerate(links):
            bits[named(tape, link.event, link.where, zone).positions] |= smallest(1 << number)
        selection = select(tape, mask=bits != 0)
        return selection, bits[selection.positions].astype(np.int64)

    return remembered(tape, (links, zone), mark)


def _selected(
    tape: Tape, names: tuple[str, ...], conditions: tuple[Condition, ...], zone: str, *, human: bool = False
) -> Selection:
    if not any(name in tape.codes for name in names):
        return nothing(tape)
    every = remembered(tape, names, lambda: select(tape, names))
    if not (conditions or human):
        return every

    def narrow() -> Selection:
        kept = _meets(tape, every.positions, conditions, zone)
        if human:
            kept &= ~_meets(tape, every.positions, BY_MACHINE, zone)
        return _only(every, kept)

    return remembered(tape, (names, conditions, zone, human), narrow)


def _only(selection: Selection, kept: Bools) -> Selection:
    """The events of the selection that are kept, bool[k]."""
    starts = np.append(0, np.cumsum(kept))[selection.starts]
    times, received = selection.times[kept], selection.received[kept]
    return Selection(
        starts, selection.positions[kept], times, received, selection.late and falls(starts, times)
    )


def _meets(tape: Tape, positions: Ints, conditions: Iterable[Condition], zone: str) -> Bools:
    """Whether the events at these positions, int64[k], meet all conditions: bool[k]."""
    kept = np.ones(len(positions), np.bool_)
    for condition in conditions:
        values = values_at(tape.properties[condition.name], positions)
        kept &= holds(condition.tests, (values,), tape.times[positions], zone)
    return kept
