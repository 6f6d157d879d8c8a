"""Times the live driver: durable transitions a second, against the same rows written with no logic at all.

Customers sign up in batches, then log in, add to carts and let time pass.  Each tick's writes are
done again on a database of their own that has met the same events, in a transaction of the same
rows: that is the ceiling.  The two take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection

from bench.databases import STORES, databases
from bench.row import Row, rounded, seconds
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message.policy import Policy
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live, Ticked
from sojourn.runtime.ticking.resident import Resident
from sojourn.runtime.ticking.worker import get_ready
from sojourn.store import counts, effects, log, partitions, runs
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Ints

BAR = 0.5
CUSTOMERS, BATCH = 50_000, 5_000
PEER = {"steps": 131, "entries": 302}
"""What Parcelvoy did a second on a machine of this kind, at best."""

TIMES_PEER = {"steps": 100, "entries": 50}
"""How many times that is asked for; 200 is the aim."""

HOUR = 3_600_000_000
BEGIN = 1_772_000_000_000_000 // GRAIN * GRAIN
NAMES = ("Added", "Logged In", "Signed Up")  # in this order they get the codes 1, 2 and 3
ADDED, LOGGED_IN, SIGNED_UP = range(1, 4)

JOURNEY = """
journey: bench
enter: [{event: Signed Up}]
goal: {event: Order Completed, within: 60 days}
steps:
  hello: {send: {template: hello, purpose: transactional}}
  pause: {wait: 1 hour}
  choice:
    branch: [{if: {performed: Logged In, within: 7 days}, then: listen}]
    otherwise: more
  more: {wait: 1 hour}
  listen: {wait_for: [{event: Added, then: thanks}], at_most: 2 hours, otherwise: last}
  thanks: {set_trait: {lifecycle: active}}
  last: {wait: 1 hour}
"""

Call = tuple[Callable[..., Any], tuple[Any, ...]]
WRITES = (
    (log, "append"),
    (log, "restamp"),
    (runs, "enter"),
    (runs, "save"),
    (effects, "plan"),
    (counts, "count"),
    (partitions, "save"),
)


@dataclass
class Spent:
    """Seconds that went into appending what came in, into ticks, and into the same writes without logic."""

    appends: float = 0.0
    ticks: float = 0.0
    ceiling: float = 0.0
    rows: int = 0


@dataclass(frozen=True)
class Lived:
    """What was done while customers entered, and while time passed and they moved."""

    customers: int
    steps: int
    entering: Spent
    moving: Spent

    @property
    def steps_a_second(self) -> float:
        """Visits of steps, by the time that ticks took."""
        return self.steps / (self.entering.ticks + self.moving.ticks)

    @property
    def entries_a_second(self) -> float:
        """Customers who entered, by the time that their events and those ticks took."""
        return self.customers / (self.entering.ticks + self.entering.appends)

    @property
    def of_ceiling(self) -> float:
        """The time of the bare writes by that of the ticks."""
        return (self.entering.ceiling + self.moving.ceiling) / (self.entering.ticks + self.moving.ticks)


@dataclass(frozen=True)
class Pair:
    """The database on which journeys are played, and the one on which their writes are repeated."""

    ours: Database
    bare: Database
    driver: Live
    catalogue: Catalogue

    def take(self, events: log.Events, spent: Spent) -> None:
        """Append what comes in to both."""
        spent.appends += seconds(partial(self.ours.write, partial(log.append, batch=events)))
        self.bare.write(partial(log.append, batch=events))

    def tick(self, now: int, spent: Spent) -> bool:
        """One tick, and its writes again; whether there was anything to do."""
        ticked: list[Ticked] = []
        with recorded() as calls:
            spent.ticks += seconds(lambda: ticked.append(self.ours.write(partial(self._tick, now=now))))
        if not ticked[0].held:
            return False
        spent.ceiling += seconds(partial(self.bare.write, partial(repeated, calls=calls)))
        spent.rows += sum(_size(arguments[-1]) for _, arguments in calls)
        return True

    def _tick(self, connection: Connection, now: int) -> Ticked:
        return self.driver.tick(connection, self.catalogue, now)


def measure(*, small: bool) -> list[Row]:
    """Both stores against their ceilings, and against what the peer did a second."""
    get_ready()
    found: list[Row] = []
    for store in STORES:
        with databases(store) as fresh:
            lived(fresh, 300)  # what is imported or compiled at first use is not part of a tick
            found += _rows(store, lived(fresh, CUSTOMERS // 10 if small else CUSTOMERS))
    return found


def lived(fresh: Callable[[], str], customers: int) -> Lived:
    """What became of so many customers on an empty database, and how long that took."""
    catalogue = Catalogue(
        (Offered(1, (Program(read_journey(JOURNEY), 1),)),), policy=Policy(otherwise="none")
    )
    entering, moving = Spent(), Spent()
    with Database.open(fresh(), writers=1) as ours, Database.open(fresh(), writers=1) as bare:
        names = Names(ours.reading)
        for database in (ours, bare):
            database.write(lambda c: Names(ours.reading).codes(c, NAMES))
        pair = Pair(ours, bare, Live(Resident(), names, tapes_of_log(names)), catalogue)
        for now, events in arrivals(customers, BATCH):
            spent = entering if now < BEGIN + HOUR // 2 else moving
            if events is not None:
                pair.take(events, spent)
            while pair.tick(now, spent):
                pass
        with ours.reading() as connection:
            counted = counts.of_version(connection, 1)
    steps = sum(n for (_, _, what, _), n in counted.items() if what == "visit")
    return Lived(customers, steps, entering, moving)


def arrivals(customers: int, batch: int) -> Iterator[tuple[int, log.Events | None]]:
    """Sign-ups in batches, then hours in which some log in or add to a cart; each with the instant after."""
    dice = np.random.default_rng(7)
    everybody = np.arange(1, customers + 1)
    for n, first in enumerate(range(0, customers, batch)):
        at = BEGIN + n * 1_000_000
        yield at + 999_936, _events(everybody[first : first + batch], SIGNED_UP, at, n)
    for hour in range(1, 6):
        at = BEGIN + hour * HOUR // 2 * 2
        some = everybody[dice.random(customers) < 0.2]
        for n, first in enumerate(range(0, len(some), batch)):
            instant = at + n * 1_000_000
            name = ADDED if hour % 2 else LOGGED_IN
            yield instant, _events(some[first : first + batch], name, instant, 100 * hour + n)
        yield at + HOUR * 9 // 10, None


def _rows(store: str, done: Lived) -> Iterator[Row]:
    steps, entries = rounded(done.steps_a_second), rounded(done.entries_a_second)
    phases = {"entering": done.entering, "moving": done.moving}
    shares = {f"ratio_{name}": rounded(spent.ceiling / spent.ticks) for name, spent in phases.items()}
    of_ceiling = rounded(done.of_ceiling)
    yield Row(f"live, {store}", steps, "steps/s", BAR, of_ceiling, "the same rows with no logic", more=shares)
    for what, reached in (("steps", steps), ("entries", entries)):
        times, peer = rounded(reached / PEER[what]), f"Parcelvoy's {PEER[what]}"
        yield Row(f"live, {what}, {store}", reached, f"{what}/s", TIMES_PEER[what], times, peer)


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The writes of one transaction, so that they can be done again with no logic."""
    calls: list[Call] = []
    originals = [(module, name, getattr(module, name)) for module, name in WRITES]

    def recording(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(connection: Connection, *arguments: Any) -> Any:
            calls.append((original, arguments))
            return original(connection, *arguments)

        return call

    for module, name, original in originals:
        setattr(module, name, recording(original))
    try:
        yield calls
    finally:
        for module, name, original in originals:
            setattr(module, name, original)


def repeated(connection: Connection, calls: list[Call]) -> None:
    """Do the writes of one transaction again."""
    for function, arguments in calls:
        function(connection, *arguments)


def _events(subjects: Ints, name: int, at: int, salt: int) -> log.Events:
    n = len(subjects)
    received = np.full(n, at // GRAIN * GRAIN)
    return log.Events(
        partitions=subjects % PARTITIONS,
        subjects=subjects,
        keys=mix(subjects, name, salt, 5),
        runs=np.zeros(n, np.int64),
        names=np.full(n, name),
        happened=received,
        received=received,
        origins=np.full(n, 2),
        properties=["{}"] * n,
        traits=[""] * n,
    )


def _size(written: Any) -> int:
    """How many rows an argument holds: a mapping, one array, or columns that each bear a key or an id."""
    if isinstance(written, dict | np.ndarray):
        return len(written)
    return len(written.keys if hasattr(written, "keys") else written.ids)
