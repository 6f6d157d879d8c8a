"""Measures the live driver: durable transitions a second, against the same rows written with no logic."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message.policy import Policy
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.live import Live
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.resident import Resident
from sojourn.runtime.worker import settle
from sojourn.store import counts, effects, log, partitions, runs
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import mix

HOUR = 3_600_000_000
BEGIN = 1_772_000_000_000_000 // GRAIN * GRAIN

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

WRITES = ((log, "append"), (runs, "enter"), (runs, "save"), (effects, "plan"), (counts, "count"), (partitions, "save"))


def measure(url: Callable[[], str], customers: int = 50_000, batch: int = 5_000) -> dict[str, float]:
    """Entries and steps a second of a fresh store, and the share of the store's ceiling that this is."""
    program = Program(read_journey(JOURNEY), 1)
    published = Catalogue((Offered(1, (program,)),), policy=Policy(otherwise="none"))
    with Database.open(url(), writers=1) as database:
        names = Names(database.reading)
        driver = Live(Resident(), names, tapes_of_log(names))
        database.write(lambda c: names.codes(c, ["Signed Up", "Logged In", "Added"]))
        written: list[list[tuple[Callable[..., Any], tuple[Any, ...]]]] = []
        seconds, steps, rows = 0.0, 0, 0
        for now, events in arrivals(customers, batch):
            if events is not None:
                database.write(lambda c, events=events: log.append(c, events))
            while True:
                with recorded() as calls:
                    began = time.perf_counter()
                    ticked = database.write(lambda c, now=now: driver.tick(c, published, now))
                    seconds += time.perf_counter() - began
                if not ticked.held:
                    break
                written.append(calls)
        with database.reading() as connection:
            counted = counts.of_version(connection, 1)
    steps = sum(n for (_, _, what, _), n in counted.items() if what == "visit")
    rows = sum(_size(arguments) for calls in written for _, arguments in calls)
    return {
        "steps_per_second": round(steps / seconds),
        "rows_per_second": round(rows / seconds),
        "of_ceiling": round(replayed(url(), written) / seconds, 3),
        "entries_per_second": round(customers / seconds),
        "steps": steps,
    }


def arrivals(customers: int, batch: int) -> Iterator[tuple[int, log.Events | None]]:
    """Sign-ups in batches, then hours in which some log in or add to a cart; each with the instant after it."""
    dice = np.random.default_rng(7)
    everybody = np.arange(1, customers + 1)
    for n, first in enumerate(range(0, customers, batch)):
        at = BEGIN + n * 1_000_000
        yield at + 999_936, _events(everybody[first : first + batch], 1, at, n)
    for hour in range(1, 6):
        at = BEGIN + hour * HOUR // 2 * 2
        some = everybody[dice.random(customers) < 0.2]
        for n, first in enumerate(range(0, len(some), batch)):
            yield at + n * 1_000_000, _events(some[first : first + batch], 2 + hour % 2, at + n * 1_000_000, 100 * hour + n)
        yield at + HOUR * 9 // 10, None


def _events(subjects: Any, name: int, at: int, salt: int) -> log.Events:
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


@contextmanager
def recorded() -> Iterator[list[tuple[Callable[..., Any], tuple[Any, ...]]]]:
    """The writes of one transaction, so that they can be done again with no logic."""
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
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


def replayed(url: str, written: list[list[tuple[Callable[..., Any], tuple[Any, ...]]]]) -> float:
    """Seconds that the bare writes take in the same transactions."""
    with Database.open(url, writers=1) as database:
        began = time.perf_counter()
        for calls in written:
            database.write(lambda c, calls=calls: [function(c, *arguments) for function, arguments in calls] and None)
        return time.perf_counter() - began


def _size(arguments: tuple[Any, ...]) -> int:
    first = arguments[-1]
    return len(getattr(first, "keys", getattr(first, "ids", ()))) if not isinstance(first, dict) else len(first)


def sqlite(folder: Path) -> Callable[[], str]:
    """Addresses of fresh databases in a folder."""
    numbers = iter(range(1_000))
    return lambda: f"sqlite:///{folder}/{next(numbers)}.db"


if __name__ == "__main__":
    settle()
    with tempfile.TemporaryDirectory() as place:
        fresh = sqlite(Path(place))
        measure(fresh, 300)  # what is imported at first use is not part of a tick
        print(json.dumps({"sqlite": measure(fresh, int(sys.argv[1]) if sys.argv[1:] else 50_000)}))
