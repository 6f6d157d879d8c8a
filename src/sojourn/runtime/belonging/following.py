"""Follows a segment while journeys are played, so that they meet its marks at their very instants."""

from __future__ import annotations

import numpy as np

from sojourn.customer.marks import SEGMENT_ENTERED, SEGMENT_LEFT, keys
from sojourn.customer.segments import Crossings, Membership, follow
from sojourn.journey.effects import Marks
from sojourn.journey.world import Fresh, World
from sojourn.rule.cohort import Cohort
from sojourn.rule.needs import needs
from sojourn.tape.tape import LONG_AGO, NEVER, Ints

PERIOD = 60_000_000
"""Microseconds between two looks of a customer at the clock: a minute."""


class Following:
    """The player of one segment: each customer of the world is a slot, which wakes when it crosses over.

    `start` is where the customers stand at first, `end` where they will when the play is over.
    """

    alone = True

    def __init__(self, name: str, world: World, start: Membership, until: int) -> None:
        self.name, self.start, self.end = name, start, start
        self._rule, self._until = world.segments[name], until
        self._needs = needs(self._rule, world.segments)
        self.rows = np.arange(len(world.tape.customers))
        self._told = np.full(len(self.rows), LONG_AGO)
        self._ahead = _NONE
        self._look(self.rows, world)

    def advance(self, index: Ints, world: World) -> None:
        """Put the marks of the crossings that have come on the customers' tapes."""
        now = self._next[index]
        self._told[index] = self._ahead.instants[now]
        self._tell(self._ahead.take(now), world)
        self._next[index] += 1
        self._wake()

    def stir(self, fresh: Fresh, world: World) -> None:
        """Look again at customers who have got marks that the segment's rule reads."""
        if fresh.names & self._needs.events or fresh.traits & self._needs.traits:
            self._look(np.flatnonzero(fresh.marked), world)

    def _look(self, rows: Ints, world: World) -> None:
        """Follow these customers from the start; what was told already comes out the same again."""
        cohort = Cohort(world.tapes, rows, np.full(len(rows), self._until), world.segments, zone=world.zone)
        end, found = follow(self._rule, cohort, self.start.take(rows), PERIOD)
        self.end = self.end.put(rows, end)
        others = np.flatnonzero(~np.isin(self._ahead.rows, rows))
        ahead = Crossings.concat([self._ahead.take(others), found])
        untold = np.flatnonzero(ahead.instants > self._told[ahead.rows])
        ahead = ahead.take(untold)
        self._ahead = ahead.take(np.lexsort((ahead.instants, ahead.rows)))
        self._ends = np.cumsum(np.bincount(ahead.rows, minlength=len(self.rows)))
        self._next = np.append(0, self._ends[:-1])[: len(self.rows)]
        self._wake()

    def _wake(self) -> None:
        instants = np.append(self._ahead.instants, NEVER)
        self.wakes = np.where(self._next < self._ends, instants[self._next], NEVER)

    def _tell(self, crossed: Crossings, world: World) -> None:
        customers = world.tape.customers[crossed.rows]
        all_keys = keys(self.name, customers, crossed.instants, crossed.entered)
        for name, those in ((SEGMENT_ENTERED, crossed.entered), (SEGMENT_LEFT, ~crossed.entered)):
            told = {"segment": self.name}
            rows, now = crossed.rows[those], crossed.instants[those]
            world.tell(Marks(name, told, {}, rows, now, np.zeros(len(rows), np.int64), all_keys[those]))


_NONE = Crossings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))
