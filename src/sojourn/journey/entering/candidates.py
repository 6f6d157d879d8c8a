"""Candidates: the events that trigger a journey, by the slot that each would fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from sojourn.journey.definition import Trigger
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs
from sojourn.journey.world import World
from sojourn.rule.compare import values_at
from sojourn.rule.where import named
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.kernels.neighbours import next_after
from sojourn.tape.selection import Selection
from sojourn.tape.tape import LONG_AGO, Bools, Codes, Column, Ints, Tape

UNKEYED = 0
"""The key of a slot that is a whole customer's."""

UNASKED = -2
"""What a candidate was told whom nobody has asked."""

KEYLESS = -1
"""What stands for the key of an event that has none: nobody enters by it."""


@dataclass(frozen=True, eq=False)
class Triggering:
    """k events that trigger a journey."""

    rows: Ints  # int64[k], their customers, as rows of the tape
    slots: Ints  # int64[k], the key of the slot that each is for, or KEYLESS
    received: Ints  # int64[k]
    triggers: Codes  # int32[k], which of the journey's triggers
    keys: Ints  # int64[k], event keys

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: Ints | Bools) -> Triggering:
        """Those at `index`, in that order."""
        return Triggering(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @property
    def ids(self) -> Ints:
        """int64[k], each event for its slot, whichever trigger it is by."""
        return mix(self.keys, self.slots)

    @staticmethod
    def concat(parts: Sequence[Triggering]) -> Triggering:
        """All of `parts` one after another."""
        some = [part for part in parts if len(part)] or [_NOTHING]
        columns = {one.name: [getattr(part, one.name) for part in some] for one in fields(Triggering)}
        return Triggering(**{name: np.concatenate(column) for name, column in columns.items()})


@dataclass(frozen=True, eq=False)
class Candidates:
    """The k events that may make somebody enter, by slot and then by the instant they are met.

    A slot holds one run at a time: it is a customer's or, with `per`, that of a customer and a value
    of the property; in parallel each event has a slot of its own.
    """

    rows: Ints  # int64[s], the customer of each slot, as a row of the tape
    slots: Ints  # int64[s], the key of each slot
    starts: Ints  # int64[s + 1]
    events: Triggering  # k
    keyless: Triggering  # which have no slot, so that nobody enters by them

    @staticmethod
    def none() -> Candidates:
        """Nothing triggers anything."""
        nothing = np.empty(0, np.int64)
        return Candidates(nothing, nothing, np.zeros(1, np.int64), _NOTHING, _NOTHING)

    def next(self, slots: Ints, after: Ints) -> Ints:
        """The first candidate of each of `slots` (their places) met after its instant: index, or -1."""
        met = self.events.received
        return next_after(Selection(self.starts, met, met, met, late=False), slots, after)

    @cached_property
    def again(self) -> Bools:
        """bool[k], whether the candidate after it is the same event by another trigger for the same slot."""
        same = np.append(np.diff(self.events.received) == 0, False)[: len(self.events)]
        return same & (np.diff(self.of, append=-1) == 0) if same.any() else same

    def last(self, index: Ints) -> Ints:
        """The last candidate of the same event and slot as each at `index`."""
        while (more := self.again[index]).any():
            index = index + more
        return index

    def answered_as(self, others: Candidates, answers: Codes) -> Codes:
        """What these candidates were told: int32[k]; the others, who are among them, were told `answers`."""
        told = np.full(len(self.events), UNASKED, np.int32)
        asked = np.flatnonzero(answers != UNASKED)
        if len(asked):
            ids = self.events.ids
            order = np.argsort(ids, kind="stable")
            place = np.searchsorted(ids, others.events.take(asked).ids, side="right", sorter=order) - 1
            told[order[place]] = answers[asked]
        return told

    @property
    def of(self) -> Ints:
        """int64[k], the place of each candidate's slot."""
        return np.repeat(np.arange(len(self.rows)), np.diff(self.starts))


def candidates(program: Program, world: World, after: Ints, until: int, known: Runs) -> Candidates:
    """The events that trigger the journey, met after each customer's instant of `after` and until `until`.

    The slots of the runs already known are among the slots, whether or not anything triggers them.
    """
    every = Triggering.concat(
        [
            _triggering(tape, number, trigger, after, until, world.zone)
            for tape in world.tapes
            for number, trigger in enumerate(program.journey.enter)
        ]
    )
    keyless = every.slots == KEYLESS
    events = every.take(~keyless) if keyless.any() else every
    rows, slots = np.append(events.rows, known.rows), np.append(events.slots, known.slots)
    order = _order(rows, slots, np.append(events.received, np.full(len(known), LONG_AGO)))
    first = _firsts(rows[order], slots[order])
    mine = order < len(events)
    starts = np.append(np.cumsum(mine) - mine, mine.sum())[np.append(np.flatnonzero(first), len(order))]
    heads = order[first]
    return Candidates(rows[heads], slots[heads], starts, events.take(order[mine]), every.take(keyless))


_NOTHING = Triggering(*(np.empty(0, np.int64),) * 3, np.empty(0, np.int32), np.empty(0, np.int64))


def _triggering(tape: Tape, number: int, trigger: Trigger, after: Ints, until: int, zone: str) -> Triggering:
    picked = named(tape, trigger.event, trigger.where, zone)
    if not len(picked):
        return _NOTHING
    of = np.repeat(np.arange(len(tape.customers)), np.diff(picked.starts))
    fresh = (picked.received > after[of]) & (picked.received <= until)
    positions, rows = picked.positions[fresh], of[fresh]
    triggers = np.full(len(rows), number, np.int32)
    slots = _slots(tape, trigger, positions)
    return Triggering(rows, slots, picked.received[fresh], triggers, tape.keys[positions])


def _slots(tape: Tape, trigger: Trigger, positions: Ints) -> Ints:
    """The slot of each event: int64[k], KEYLESS where it does not carry the property that is its key."""
    if trigger.again.kind == "parallel":
        return tape.keys[positions]
    if not trigger.again.per:
        return np.full(len(positions), UNKEYED, np.int64)
    values = values_at(tape.properties[trigger.again.per], positions)
    hashes = np.append(_value_hashes(values.column), KEYLESS)
    return np.where(values.known, hashes[values.index], KEYLESS)


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
