"""Times the live driver: durable transitions a second, against the same rows written with no logic at all.

Customers sign up in batches, then log in, add to carts and let time pass.  Each tick's writes are
done again on a database of their own that has met the same events, in a transaction of the same
rows: that is the ceiling.  The two take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection

from bench.store import databases
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message.policy import Policy
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.live import Live, Ticked
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.resident import Resident
from sojourn.runtime.worker import settle
from sojourn.store import counts, effects, log, partitions, runs
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Ints

BAR = 0.5
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
class Pair:
    """The database on which journeys are played, and the one on which their writes are repeated."""

    lived: Database
    bare: Database
    driver: Live
    catalogue: Catalogue

    def take(self, events: log.Events, spent: Spent) -> None:
        """Append what comes in to both."""
        spent.appends += _timed(partial(self.lived.write, partial(log.append, batch=events)))
        self.bare.write(partial(log.append, batch=events))

    def tick(self, now: int, spent: Spent) -> bool:
        """One tick, and its writes again; whether there was anything to do."""
        ticked: list[Ticked] = []
        with recorded() as calls:
            spent.ticks += _timed(lambda: ticked.append(self.lived.write(partial(self._tick, now=now))))
        if not ticked[0].held:
            return False
        spent.ceiling += _timed(partial(self.bare.write, partial(repeated, calls=calls)))
        spent.rows += sum(_size(arguments[-1]) for _, arguments in calls)
        return True

    def _tick(self, connection: Connection, now: int) -> Ticked:
        return self.driver.tick(connection, self.catalogue, now)


def measure(fresh: Callable[[], str], customers: int = 50_000, batch: int = 5_000) -> dict[str, Any]:
    """Steps and entries a second on an empty database, and what share of the store's ceiling that is."""
    catalogue = Catalogue(
        (Offered(1, (Program(read_journey(JOURNEY), 1),)),), policy=Policy(otherwise="none")
    )
    entering, moving = Spent(), Spent()
    with Database.open(fresh(), writers=1) as lived, Database.open(fresh(), writers=1) as bare:
        names = Names(lived.reading)
        for database in (lived, bare):
            database.write(lambda c: Names(lived.reading).codes(c, NAMES))
        pair = Pair(lived, bare, Live(Resident(), names, tapes_of_log(names)), catalogue)
        for now, events in arrivals(customers, batch):
            spent = entering if now < BEGIN + HOUR // 2 else moving
            if events is not None:
                pair.take(events, spent)
            while pair.tick(now, spent):
                pass
        with lived.reading() as connection:
            counted = counts.of_version(connection, 1)
    steps = sum(n for (_, _, what, _), n in counted.items() if what == "visit")
    return _told(customers, steps, entering, moving)


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


def main() -> None:
    """Print the rates on both stores and what share of their ceilings that is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=50_000)
    options = parser.parse_args()
    settle()
    print(json.dumps(both(options.customers), indent=2))  # noqa: T201 - its purpose


def both(customers: int) -> dict[str, Any]:
    """The measures of both stores."""
    found = {}
    for store in ("sqlite", "postgresql"):
        with databases(store) as fresh:
            measure(fresh, 300)  # what is imported or compiled at first use is not part of a tick
            found[store] = measure(fresh, customers)
    return {**found, "bar": BAR}


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


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _size(written: Any) -> int:
    """How many rows an argument holds: a mapping, one array, or columns that each bear a key or an id."""
    if isinstance(written, dict | np.ndarray):
        return len(written)
    return len(written.keys if hasattr(written, "keys") else written.ids)


def _told(customers: int, steps: int, entering: Spent, moving: Spent) -> dict[str, Any]:
    ticks = entering.ticks + moving.ticks
    steps_a_second, entries_a_second = steps / ticks, customers / (entering.ticks + entering.appends)
    return {
        "steps_per_second": round(steps_a_second),
        "entries_per_second": round(entries_a_second),
        "rows_per_second": round((entering.rows + moving.rows) / ticks),
        "of_ceiling": round((entering.ceiling + moving.ceiling) / ticks, 3),
        "of_ceiling_entering": round(entering.ceiling / entering.ticks, 3),
        "of_ceiling_moving": round(moving.ceiling / moving.ticks, 3),
        "times_peer": {
            "steps": round(steps_a_second / PEER["steps"]),
            "entries": round(entries_a_second / PEER["entries"]),
        },
        "steps": steps,
    }


if __name__ == "__main__":
    main()
