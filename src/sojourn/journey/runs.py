"""Runs: where customers stand in a journey, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from sojourn.tape.tape import NEVER, Codes, Ints

OUTSIDE = -1
"""The step of a run that has not arrived on its first one."""

MOVING = ("steps", "hops", "since", "due", "left", "reasons")
"""The columns that change when a run moves."""


@dataclass(frozen=True, eq=False)
class Runs:
    """n runs of a journey; all instants are int64 microseconds UTC."""

    ids: Ints  # int64[n], the same in every driver and on every replay
    rows: Ints  # int64[n], the customer's place on the tape
    slots: Ints  # int64[n], hash of the key that the entry was made under, 0 if none
    entries: Ints  # int64[n], key of the event that made the customer enter
    versions: Ints  # int64[n], the version it is pinned to
    entered: Ints  # int64[n]
    now: Ints  # int64[n], the instant up to which the run has been played
    steps: Codes  # int32[n], the step it stands on, or OUTSIDE
    hops: Codes  # int32[n], how many steps it has arrived on
    since: Ints  # int64[n], when it arrived on this step
    due: Ints  # int64[n], when time alone wakes it, NEVER if only events do
    left: Ints  # int64[n], when it left, NEVER while it is inside
    reasons: Codes  # int32[n], why it left, as a code of the program's reasons; -1 inside

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: Ints) -> Runs:
        """The runs at `index`, copied, in that order."""
        return Runs(**{one.name: getattr(self, one.name)[index] for one in fields(Runs)})

    def put(self, index: Ints, runs: Runs) -> None:
        """Write `runs` over those at `index`."""
        for one in fields(Runs):
            getattr(self, one.name)[index] = getattr(runs, one.name)

    def move(self, moved: Some) -> None:
        """Write where some of these runs have moved to."""
        for name in MOVING:
            getattr(self, name)[moved.index] = getattr(moved, name)

    @staticmethod
    def empty(rows: Ints, slots: Ints) -> Runs:
        """One run that nobody has entered yet for each of `rows`, with the key hashes `slots`."""
        n = len(rows)
        return Runs(
            ids=np.zeros(n, np.int64),
            rows=rows,
            slots=slots,
            entries=np.zeros(n, np.int64),
            versions=np.zeros(n, np.int64),
            entered=np.full(n, NEVER),
            now=np.zeros(n, np.int64),
            steps=np.full(n, OUTSIDE, np.int32),
            hops=np.zeros(n, np.int32),
            since=np.full(n, NEVER),
            due=np.full(n, NEVER),
            left=np.full(n, NEVER),
            reasons=np.full(n, -1, np.int32),
        )

    @staticmethod
    def concat(parts: list[Runs]) -> Runs:
        """All of `parts` one after another; at least one is needed."""
        return Runs(
            **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Runs)}
        )


@dataclass(frozen=True, eq=False)
class Some:
    """The runs at `index` among others, with just the columns that are looked at, copied when asked for.

    So they can move without moving the others.
    """

    among: Runs | Some
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def ids(self) -> Ints:
        """int64[m]"""
        return self.among.ids[self.index]

    @cached_property
    def rows(self) -> Ints:
        """int64[m], the customers' places on the tape"""
        return self.among.rows[self.index]

    @cached_property
    def now(self) -> Ints:
        """int64[m], microseconds UTC"""
        return self.among.now[self.index]

    @cached_property
    def since(self) -> Ints:
        """int64[m], when they arrived on their step"""
        return self.among.since[self.index]

    @cached_property
    def entered(self) -> Ints:
        """int64[m], when they entered the journey"""
        return self.among.entered[self.index]

    @cached_property
    def entries(self) -> Ints:
        """int64[m], keys of the events by which they entered"""
        return self.among.entries[self.index]

    @cached_property
    def hops(self) -> Codes:
        """int32[m], how many steps they have arrived on"""
        return self.among.hops[self.index]

    @cached_property
    def steps(self) -> Codes:
        """int32[m], the steps they stand on"""
        return self.among.steps[self.index]

    @cached_property
    def due(self) -> Ints:
        """int64[m], when time alone wakes them"""
        return self.among.due[self.index]

    @cached_property
    def left(self) -> Ints:
        """int64[m], when they left, NEVER while they are inside"""
        return self.among.left[self.index]

    @cached_property
    def reasons(self) -> Codes:
        """int32[m], why they left, -1 inside"""
        return self.among.reasons[self.index]
