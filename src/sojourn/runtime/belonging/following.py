"""Follows what customers belong to while journeys are played, so that its marks are met at their instants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sojourn.customer.segments import Membership, follow
from sojourn.journey.world import Fresh, World
from sojourn.rule.cohort import Cohort
from sojourn.rule.needs import Needs, needs
from sojourn.runtime.belonging.telling import Teller, Told
from sojourn.tape.tape import LONG_AGO, NEVER, Ints

PERIOD = 60_000_000
"""Microseconds between two looks of a customer at the clock: a minute."""


class Following:
    """The player of what one teller tells: each customer of the world is a slot, which wakes to be told.

    `starts` is where the customers stand at first with each of the teller's tracks, `ends` where they will
    when the play is over.  Of what comes about at the instants `silent`, one a customer, nothing is told.
    """

    alone = True

    def __init__(
        self,
        teller: Teller,
        world: World,
        starts: Sequence[Membership],
        until: int,
        silent: Ints | None = None,
    ) -> None:
        self.teller, self.starts, self.ends = teller, tuple(starts), list(starts)
        self._until, self._silent = until, silent
        self._needs = _together(teller, world)
        self.rows = np.arange(len(world.tape.customers))
        self._told = np.full(len(self.rows), LONG_AGO)
        self._ahead = _NOTHING
        self._look(self.rows, world)

    def advance(self, index: Ints, world: World) -> None:
        """Put the marks of what has come about on the customers' tapes."""
        now = self._next[index]
        self._told[index] = self._ahead.instants[now]
        for marks in self.teller.marks(self._ahead.take(now), world):
            world.tell(marks)
        self._next[index] += 1
        self._wake()

    def stir(self, fresh: Fresh, world: World) -> None:
        """Look again at customers who have got marks that the rules read."""
        if fresh.names & self._needs.events or fresh.traits & self._needs.traits:
            self._look(np.flatnonzero(fresh.marked), world)

    def _look(self, rows: Ints, world: World) -> None:
        """Follow these customers from the start; what was told already comes out the same again."""
        cohort = Cohort(world.tapes, rows, np.full(len(rows), self._until), world.segments, zone=world.zone)
        starts, crossed = [start.take(rows) for start in self.starts], []
        for place, (track, start) in enumerate(zip(self.teller.tracks, starts, strict=True)):
            end, found = follow(track.rule, cohort, start, PERIOD, track.keeps)
            self.ends[place] = self.ends[place].put(rows, end)
            crossed.append(found)
        told = self._aloud(self.teller.told(starts, crossed, cohort))
        others = np.flatnonzero(~np.isin(self._ahead.rows, rows))
        ahead = Told.concat([self._ahead.take(others), told])
        ahead = ahead.take(np.flatnonzero(ahead.instants > self._told[ahead.rows]))
        self._ahead = ahead.take(np.lexsort((ahead.instants, ahead.rows)))
        self._ends = np.cumsum(np.bincount(ahead.rows, minlength=len(self.rows)))
        self._next = np.append(0, self._ends[:-1])[: len(self.rows)]
        self._wake()

    def _aloud(self, told: Told) -> Told:
        if self._silent is None:
            return told
        return told.take(np.flatnonzero(told.instants != self._silent[told.rows]))

    def _wake(self) -> None:
        instants = np.append(self._ahead.instants, NEVER)
        self.wakes = np.where(self._next < self._ends, instants[self._next], NEVER)


def _together(teller: Teller, world: World) -> Needs:
    found = Needs()
    for track in teller.tracks:
        for rule in (track.rule, track.keeps):
            found |= needs(rule, world.segments) if rule else Needs()
    return found


_NOTHING = Told(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
