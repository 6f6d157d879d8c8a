"""Play: wake each run at its next instant and advance it, again and again, until a given instant.

Live and backtest are this one loop; they differ in where the tape comes from and in how far they go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sojourn.journey.definition import END_REQUESTED
from sojourn.journey.effects import Effects
from sojourn.journey.entering.candidates import Candidates, Triggering, candidates
from sojourn.journey.entering.entries import REFUSALS, admitted, refusals, run_ids
from sojourn.journey.machine import advance
from sojourn.journey.program import Counts, Program
from sojourn.journey.runs import Runs, Some
from sojourn.journey.world import Fresh, World
from sojourn.tape.kernels.slots import parted, wake_earlier
from sojourn.tape.tape import NEVER, Bools, Codes, Ints


class Player(Protocol):
    """What takes part in a play: slots of customers, each of which wakes at an instant of its own."""

    wakes: Ints  # int64[s]

    @property
    def rows(self) -> Ints:
        """int64[s], the customer of each slot, as a row of the tape."""

    @property
    def alone(self) -> bool:
        """Whether no customer has two slots."""

    def advance(self, index: Ints, world: World) -> None:
        """Act for the slots at `index`, each at its wake, and find when they wake next."""

    def stir(self, fresh: Fresh, world: World) -> None:
        """Take in the marks that tapes have got since."""


class Playing:
    """One journey while it is played: its slots, the run in each, and when each slot wakes next.

    `programs` are the versions that runs are pinned to; the last takes the entries.
    """

    def __init__(
        self, programs: Sequence[Program], world: World, after: Ints, until: int, known: Runs
    ) -> None:
        self.programs = {program.version: program for program in programs}
        self.newest = programs[-1]
        self.counts = {program.version: Counts.none(program) for program in programs}
        self.effects: list[Effects] = []
        self.ended: list[Runs] = []
        self._after, self._until = after, until
        self.candidates, self.answers = Candidates.none(), np.empty(0, np.int32)
        self._open(world, known, after[known.rows], np.zeros(len(known), np.bool_))

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def rows(self) -> Ints:
        """int64[s], the customer of each slot."""
        return self.runs.rows

    def _open(self, world: World, known: Runs, seen: Ints, touched: Bools) -> None:
        """Lay out the slots of the candidates and of the runs already known."""
        laid = candidates(self.newest, world, self._after, self._until, known)
        self.answers = laid.answered_as(self.candidates, self.answers)
        self.candidates = laid
        self.runs = Runs.empty(self.candidates.rows, self.candidates.slots)
        self.seen = self._after[self.runs.rows]
        self.touched = np.zeros(len(self.runs), np.bool_)
        places = _places(self.candidates, known)
        self.runs.put(places, known)
        self.seen[places] = seen
        self.touched[places] = touched
        self.wakes = np.full(len(self.runs), NEVER)
        self._places = np.arange(len(self.runs))
        self.alone = bool((np.diff(self.runs.rows) > 0).all())
        self.awaken(self._places, world)

    def awaken(self, index: Ints, world: World) -> None:
        """Find anew when each of the slots wakes next."""
        runs, wakes = self.runs, self.wakes
        within, outside = parted(index, runs.ids, runs.left)
        wakes[outside] = NEVER
        met = self.candidates
        wake_earlier(outside, self._places, met.starts, met.events.received, self.seen, wakes)
        if all(trigger.again.kind == "never" for trigger in self.newest.journey.enter):
            wakes[outside[runs.ids[outside] != 0]] = NEVER
        wakes[within] = runs.due[within]
        ending = world.knows(END_REQUESTED)
        for program, members in self._by_version(within):
            if ending:
                world.listen((program.ended,), program.name, runs, members, wakes)
            for step, those in program.on_steps(runs.steps, members):
                if program.awaits[step]:
                    world.listen(program.awaits[step], program.name, runs, those, wakes)

    def advance(self, index: Ints, world: World) -> None:
        """Advance the runs in the slots, or let customers enter, each at the slot's wake."""
        runs = self.runs
        within, outside = parted(index, runs.ids, runs.left)
        self.seen[index] = self.wakes[index]
        self.touched[within] = True
        runs.now[within] = self.wakes[within]
        self._enter(outside, world)
        for program, members in self._by_version(parted(index, runs.ids, runs.left)[0]):
            moved = advance(program, Some(runs, members), world)
            runs.move(moved.runs)
            self.counts[program.version].add(moved.counts)
            self.effects += moved.effects
        self.awaken(index, world)

    def _enter(self, slots: Ints, world: World) -> None:
        if not len(slots):
            return
        now = self.wakes[slots]
        first = self.candidates.next(slots, now - 1)
        found, refused = admitted(self.newest, world, self.candidates, first, Some(self.runs, slots), now)
        self.answers[self.candidates.last(found)] = refused
        self._let_in(slots[refused < 0], found[refused < 0], now[refused < 0], world)

    def _let_in(self, slots: Ints, found: Ints, now: Ints, world: World) -> None:
        """New runs in the slots, by the candidates found."""
        past = slots[self.touched[slots]]
        self.touched[slots] = True
        if len(past):
            self.ended.append(self.runs.take(past))
        fresh = Runs.empty(self.runs.rows[slots], self.runs.slots[slots])
        fresh.entries[:] = self.candidates.events.keys[found]
        fresh.ids[:] = run_ids(self.newest, world, fresh.rows, fresh.entries, fresh.slots)
        fresh.versions[:] = self.newest.version
        fresh.entered[:] = fresh.now[:] = now
        self.runs.put(slots, fresh)

    def _by_version(self, index: Ints) -> list[tuple[Program, Ints]]:
        if len(self.programs) == 1:
            return [(self.newest, index)] if len(index) else []
        versions = self.runs.versions[index]
        return [(self.programs[int(one)], index[versions == one]) for one in np.unique(versions)]

    @property
    def refused(self) -> Ints:
        """int64[reasons], how many events triggered the journey but let nobody in, by reason."""
        return np.bincount(self.refusals()[1], minlength=len(REFUSALS))

    def refusals(self) -> tuple[Triggering, Codes]:
        """The events that triggered the journey but let nobody in, and why not, as codes of REFUSALS."""
        return refusals(self.candidates, self.runs.left, self.answers)

    def changed(self) -> Runs:
        """The runs that entered or moved, among them those that others followed in their slots."""
        return Runs.concat([*self.ended, self.runs.take(np.flatnonzero(self.touched & (self.runs.ids != 0)))])

    def stir(self, fresh: Fresh, world: World) -> None:
        """Take in triggers among the marks made since, and wake those whose customers have got some."""
        if any(trigger.event in fresh.names for trigger in self.newest.journey.enter):
            self._open(world, self.runs, self.seen, self.touched)
        else:
            self.awaken(np.flatnonzero(fresh.marked[self.runs.rows]), world)


def play(players: Sequence[Player], world: World, until: int) -> None:
    """Advance all runs of all players as far as `until`; of one customer always the earliest first.

    At one instant the players act in the order given.
    """
    while True:
        alone = len(players) == 1 and players[0].alone
        first = None if alone else _earliest(players, world)
        stirred = False
        for player in players:
            awake = player.wakes <= until
            if first is not None:
                awake &= player.wakes == first[player.rows]
            index = np.flatnonzero(awake)
            if len(index):
                stirred = True
                player.advance(index, world)
        if not stirred:
            return
        if fresh := world.fresh():
            for player in players:
                player.stir(fresh, world)


def _earliest(players: Sequence[Player], world: World) -> Ints:
    """int64[customers], when each customer's first slot wakes."""
    first = np.full(len(world.tape.customers), NEVER)
    for player in players:
        np.minimum.at(first, player.rows, player.wakes)
    return first


def _places(among: Candidates, known: Runs) -> Ints:
    """Where the slots of the known runs are."""
    order = np.lexsort((known.slots, known.rows))
    rows, slots = known.rows[order], known.slots[order]
    places = np.searchsorted(among.rows, rows)
    while (behind := (among.rows[places] == rows) & (among.slots[places] < slots)).any():
        places += behind
    found = np.empty(len(known), np.int64)
    found[order] = places
    return found
