"""Simulates an installation from a seed: a month of customers and faults, after which all must be right.

What runs is what runs in production: intake, ticks, dispatcher, ledger and auditor.  Only the clock,
the threads and the far sides are of the simulation.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from sojourn.errors import BrokenInvariant, Unavailable
from sojourn.lake.folder import Folder
from sojourn.runtime.audit.auditor import audit
from sojourn.runtime.simulate import crowd, plot
from sojourn.runtime.simulate.crowd import DAY, MINUTE, Crowd, Request
from sojourn.runtime.simulate.peers import KINDS, Peer
from sojourn.runtime.simulate.process import PUBLICLY, Process
from sojourn.runtime.simulate.promises import broken
from sojourn.runtime.simulate.replay import differences
from sojourn.runtime.simulate.stage import Killed, Stage, Time, away
from sojourn.store import effects, partitions
from sojourn.store.database import Database
from sojourn.tape.grain import GRAIN

BEGIN = 1_772_352_000_000_000
"""Noon of 1 March 2026, UTC: four weeks on, clocks in Europe go forward."""

DAYS, PATIENCE = 30, 300
"""For so many days customers act and faults strike; so many later everything must have come to an end."""

CUSTOMERS, EVENTS = (5, 20), (30, 80)
"""At least and at most: the same things happen to many people and to few."""

FAULTS = 0.008
"""How often a write or a delivery is struck: some ten times in a simulation."""

MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder made within it is used
"""Where a folder lies in memory, so that nobody waits for a disk; elsewhere it is an ordinary one."""

ENDLESS = 500
"""Turns at one instant after which it never comes to rest."""


@dataclass(frozen=True)
class Told:
    """What happened in one simulation, and what was not right."""

    seed: int
    figures: Counter[str]
    problems: tuple[str, ...]


def simulate(seed: int) -> Told:
    """Everything that follows from a seed, always the same."""
    gc.collect()
    gc.freeze()  # else each process of it looks through all there is: a third of the time
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        (folder / "sojourn.db").write_bytes(_empty_database())
        simulation = Simulation(seed, folder)
        try:
            return simulation.run()
        except Exception as error:
            error.add_note(f"in the simulation of seed {seed}")
            raise
        finally:
            simulation.close()


class Simulation:
    """One simulation while it runs."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._seed, self._dice, self._time = seed, Random(seed), Time(BEGIN)
        self._calm = True
        self._compared = self._dice.random() < 0.7  # without what is outside of the equality with a backtest
        self._figures: Counter[str] = Counter()
        self._stage = Stage(folder / "sojourn.db", self._time, self._strike)
        self._folder = Folder.local(folder / "lake")
        self._peers = {kind: Peer(kind, self._dice, self._strike) for kind in KINDS}
        self._answered: set[int] = set()
        self._answers: list[tuple[int, int, str]] = []  # when, to which effect, how: a heap
        self._process = self._begun()

    def run(self) -> Told:
        """Let customers act while faults strike, then let it come to rest, and look at it."""
        together = not self._compared
        self._stage.write(lambda connection: plot.publish(connection, self._dice, BEGIN, together=together))
        self._calm = False
        customers, events = self._dice.randint(*CUSTOMERS), self._dice.randint(*EVENTS)
        people = Crowd(self._dice, customers, BEGIN, DAYS, strangers=together)
        for request in people.requests(events):
            self._go_on(request.at)
            self._send(request)
            self._meddle()
        self._be_calm()
        self._go_on(BEGIN + (DAYS + PATIENCE) * DAY)
        self._work()
        return Told(self._seed, self._figures, tuple(self._problems()))

    def close(self) -> None:
        """Let go of the database."""
        self._stage.close()

    def _begun(self) -> Process:
        return Process(self._stage, self._folder, self._peers)

    def _strike(self, where: str) -> None:
        """Perhaps something happens here."""
        self._figures[where] += 1
        if self._calm or self._dice.random() >= FAULTS:
            return
        if "delivery" in where or self._dice.random() < 0.6:
            self._figures["kills"] += 1
            self._stage.kill()
        self._figures["outages"] += 1
        raise away()

    def _be_calm(self) -> None:
        self._calm = True
        for peer in self._peers.values():
            peer.calm = True

    def _go_on(self, until: int) -> None:
        """Do what is due, each at its instant or a little later, until an instant."""
        while (due := self._next_due()) <= until:
            late = 0 if self._calm else self._dice.choice([0, 0, self._dice.randrange(10 * MINUTE)])
            self._time.now = max(self._time.now, due) + late
            self._work()
        self._time.now = max(self._time.now, until)

    def _next_due(self) -> int:
        with self._stage.reading() as connection:
            due: list[int | None] = [partitions.next_due(connection), effects.next_due(connection)]
        due += [instant for instant, _, _ in self._answers[:1]]
        return min(instant for instant in due if instant is not None)

    def _send(self, request: Request) -> None:
        """A client sends until it is told that all is stored."""
        while not self._survived(lambda: self._process.take(request), otherwise=False):
            self._figures["repeated requests"] += 1
        if self._dice.random() < 0.7:
            self._work()

    def _meddle(self) -> None:
        """People change templates, and the log is brought to rest."""
        if self._dice.random() < 0.05:
            name, edition = self._dice.choice(list(plot.TEMPLATES)), self._dice.randint(2, 99)
            self._write(lambda connection: plot.rewrite(connection, name, edition, self._time.now))
        if self._dice.random() < 0.05:
            self._survived(lambda: self._process.history.seal() > 0)

    def _work(self) -> None:
        """Tick, send and answer by turns until nothing is left to be done now."""
        turns: list[Callable[[Process], bool]] = [Process.tick, Process.dispatch, self._answer]
        for _ in range(ENDLESS):
            self._time.now += GRAIN
            self._dice.shuffle(turns)
            if not sum(self._survived(partial(turn, self._process)) for turn in turns):
                return
        raise BrokenInvariant("it never comes to rest")

    def _answer(self, process: Process) -> bool:
        """Of those who got a mail some follow its link, some want no more; whether one just did."""
        for effect in sorted(self._peers["email"].taken.keys() - self._answered):
            self._answered.add(effect)
            chance, later = self._dice.random(), self._time.now + self._dice.randrange(MINUTE, 2 * DAY)
            if chance < 0.35:
                heappush(self._answers, (later, effect, "clicks" if chance < 0.3 else "unsubscribes"))
        if not self._answers or self._answers[0][0] > self._time.now:
            return False
        _, effect, how = heappop(self._answers)
        do = crowd.click if how == "clicks" else crowd.unsubscribe
        self._write(lambda connection: do(connection, process.names, effect, self._time.now))
        self._figures[how] += 1
        return True

    def _write(self, work: Callable[[Connection], None]) -> None:
        """Have something written, unless a fault prevents it."""
        self._survived(lambda: self._stage.submit(work).exception() is None)

    def _survived(self, act: Callable[[], bool], *, otherwise: bool = True) -> bool:
        """What `act` answers, `otherwise` if a fault ends it, and perhaps the process with it."""
        try:
            return act()
        except Unavailable:
            return otherwise
        except Killed:
            self._stage.revive()
            self._process = self._begun()
            return otherwise

    def _problems(self) -> Iterator[str]:
        history = self._process.history
        found = audit(history, PUBLICLY.seal, patience=0)
        self._figures.update(found.figures)
        yield from map(str, found.violations)
        with self._stage.reading() as connection:
            yield from broken(connection, self._peers)
            if self._compared:
                yield from differences(connection, self._process.names, self._time.now)


@cache
def _empty_database() -> bytes:
    """A database file with all tables: to make them takes longer than to simulate."""
    with TemporaryDirectory() as name:
        path = Path(name) / "sojourn.db"
        Database.open(f"sqlite:///{path}", writers=1).close()
        return path.read_bytes()
