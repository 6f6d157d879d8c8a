"""Entries: which events make customers enter a journey, and when they may enter again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sojourn.journey.definition import Trigger
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs, Some
from sojourn.journey.world import World
from sojourn.rule.where import where
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.kernels.neighbours import next_after
from sojourn.tape.selection import Selection, select
from sojourn.tape.tape import LONG_AGO, Bools, Codes, Column, Ints, Tape

UNKEYED = 0
"""The key of a slot that is a whole customer's."""

REFUSALS = ("inside", "entered before", "too soon", "condition", "no key")
"""Why an event that triggers a journey did not make anybody enter."""

INSIDE, ENTERED_BEFORE, TOO_SOON, CONDITION, NO_KEY = range(len(REFUSALS))


@dataclass(frozen=True, eq=False)
class Candidates:
    """The k events that may make somebody enter, by slot and then by the instant they are met.

    A slot holds one run at a time: it is a customer's or, with `per`, that of a customer and a value
    of the property; in parallel each event has a slot of its own.
    """

    rows: Ints  # int64[s], the customer of each slot, as a row of the tape
    slots: Ints  # int64[s], the key of each slot
    starts: Ints  # int64[s + 1]
    received: Ints  # int64[k]
    triggers: Codes  # int32[k], which of the journey's triggers
    keys: Ints  # int64[k], event keys

    def next(self, slots: Ints, after: Ints) -> Ints:
        """The first candidate of each of `slots` (their places) met after its instant: index, or -1."""
        selection = Selection(self.starts, self.received, self.received, self.received, late=False)
        return next_after(selection, slots, after)


def candidates(program: Program, world: World, after: Ints, until: int, known: Runs) -> Candidates:
    """The events that trigger the journey, met after each customer's instant of `after` and until `until`.

    The slots of the runs already known are among the slots, whether or not anything triggers them.
    """
    found = [
        part
        for tape in world.tapes
        for number, trigger in enumerate(program.journey.enter)
        if len(part := _triggering(tape, number, trigger, after, until))
    ]
    rows, slots, received, triggers, keys = (
        np.concatenate(columns) for columns in zip(*(part.columns() for part in found), _NOTHING, strict=True)
    )
    all_rows, all_slots = np.append(rows, known.rows), np.append(slots, known.slots)
    order = _order(all_rows, all_slots, np.append(received, np.full(len(known), LONG_AGO)))
    first = _firsts(all_rows[order], all_slots[order])
    mine = order < len(rows)
    starts = np.append(np.cumsum(mine) - mine, mine.sum())[np.append(np.flatnonzero(first), len(order))]
    kept = order[mine]
    heads = order[first]
    return Candidates(all_rows[heads], all_slots[heads], starts, received[kept], triggers[kept], keys[kept])


def admitted(program: Program, world: World, triggers: Codes, last: Some, now: Ints) -> Codes:
    """Whether each candidate enters: -1, or why not as a code of REFUSALS; int32[m].

    `last` is the run that was in the slot before, with id 0 if there was none, and its row.
    """
    refused = np.full(len(now), -1, np.int32)
    for number, trigger in enumerate(program.journey.enter):
        those = np.flatnonzero(triggers == number)
        if len(those):
            refused[those] = _refused(world, trigger, Some(last.among, last.index[those]), now[those])
    if world.watcher:
        world.watcher.considered(program.name, triggers, last.rows, now, refused)
    return refused


def run_ids(program: Program, world: World, rows: Ints, keys: Ints, slots: Ints) -> Ints:
    """The ids of runs that enter by the events `keys`: the same in every driver and on every replay."""
    return mix(program.hash, world.tape.customers[rows], keys, slots)


@dataclass(frozen=True, eq=False)
class _Part:
    """The candidates of one trigger on one tape."""

    rows: Ints
    slots: Ints
    received: Ints
    triggers: Codes
    keys: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def columns(self) -> tuple[Ints, Ints, Ints, Codes, Ints]:
        return self.rows, self.slots, self.received, self.triggers, self.keys


_NOTHING = (*(np.empty(0, np.int64),) * 3, np.empty(0, np.int32), np.empty(0, np.int64))


def _triggering(tape: Tape, number: int, trigger: Trigger, after: Ints, until: int) -> _Part:
    picked = select(tape, [trigger.event])
    of = np.repeat(np.arange(len(tape.customers)), np.diff(picked.starts))
    fresh = (picked.received > after[of]) & (picked.received <= until)
    if trigger.where:
        fresh &= where(tape, trigger.where)[picked.positions]
    positions = picked.positions[fresh]
    rows = of[fresh]
    keys = tape.keys[positions]
    slots, keyed = _slots(tape, trigger, positions, keys)
    triggers = np.full(int(keyed.sum()), number, np.int32)
    return _Part(rows[keyed], slots[keyed], tape.received[positions][keyed], triggers, keys[keyed])


def _slots(tape: Tape, trigger: Trigger, positions: Ints, keys: Ints) -> tuple[Ints, Bools]:
    """The slot of each event, and whether it has one: an event without the property has none."""
    if trigger.again.kind == "parallel":
        return keys, np.ones(len(keys), np.bool_)
    if not trigger.again.per:
        return np.full(len(keys), UNKEYED, np.int64), np.ones(len(keys), np.bool_)
    column = tape.properties[trigger.again.per]
    hashes = _value_hashes(column)
    place = np.searchsorted(column.positions, positions)
    place[place == len(column.positions)] = 0
    keyed = column.positions[place] == positions if len(column.positions) else np.zeros(len(keys), np.bool_)
    return np.where(keyed, hashes[place] if len(hashes) else 0, UNKEYED), keyed


def _value_hashes(column: Column) -> Ints:
    """A hash of each value: texts by their letters, numbers by their bits."""
    of_texts = np.array([hash_text(text) for text in column.texts] or [0], np.int64)
    return np.where(column.codes >= 0, of_texts[column.codes], mix(column.numbers.view(np.int64), 1))


def _order(rows: Ints, slots: Ints, received: Ints) -> Ints:
    """The order by slot and instant; what stands in it already, as one trigger's events do, is not sorted."""
    if not slots.any() and bool(
        (np.diff(rows) > 0)[np.diff(received) <= 0].all() and (np.diff(rows) >= 0).all()
    ):
        return np.arange(len(rows))
    return np.lexsort((received, slots, rows))


def _firsts(rows: Ints, slots: Ints) -> Bools:
    """Whether each of the sorted pairs differs from the one before."""
    differs = (np.diff(rows) != 0) | (np.diff(slots) != 0)
    return np.append(True, differs) if len(rows) else np.zeros(0, np.bool_)


def _refused(world: World, trigger: Trigger, last: Some, now: Ints) -> Codes:
    refused = np.full(len(now), -1, np.int32)
    again, before = trigger.again, last.ids != 0
    if trigger.condition:
        refused[~world.meets(trigger.condition, last.rows, now)] = CONDITION
    if again.kind == "never":
        refused[before] = ENTERED_BEFORE
    if again.kind == "after" and again.span:
        soon = np.flatnonzero(before)
        early = now[soon] < world.later(last.rows[soon], last.entered[soon], again.span)
        refused[soon[early]] = TOO_SOON
    return refused
