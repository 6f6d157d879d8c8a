"""Times our two hot writes on both stores against the same rows in the same batches with no logic at all.

The ceiling is what the bare driver does on the same schema, with a durable commit a batch; others
compare with it (`ceilings`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import psycopg

from bench.databases import STORES, databases
from bench.row import Row, rounded, seconds
from sojourn.store import log, runs
from sojourn.store.access.connect import POSTGRES_OPTIONS, SQLITE_SETTINGS
from sojourn.store.database import Database
from sojourn.store.log import Events
from sojourn.store.runs import Runs
from sojourn.store.tables import NEVER
from sojourn.tape.tape import Ints

BAR = 0.7
ROWS, BATCH = 60_000, 1_000
NOW = 1_790_000_000_000_000
EVENT = "partition, subject, key, run, name, happened, received, origin, properties, traits"
RUN = "version, step, hop, since, due, seen, left, reason, id"
_SET = ", ".join(f'"{name}" = ?' for name in RUN.split(", ")[:-1])
Values = tuple[Any, ...]
Works = dict[str, list[Callable[[], object]]]


def measure(*, small: bool) -> list[Row]:
    """Our two hot writes on both stores."""
    made = load(ROWS // 10 if small else ROWS, BATCH)
    return [row for store in STORES for row in compared(store, made)]


@dataclass(frozen=True)
class Load:
    """The same rows for everybody: batches of new events, and of runs that each move to another step."""

    events: Sequence[Events]
    entered: Runs
    moved: Sequence[Runs]

    @property
    def rows(self) -> int:
        """How many rows each of the two writes has."""
        return len(self.entered)


def load(rows: int, batch: int) -> Load:
    """`rows` events and as many runs, in batches."""
    every = np.arange(rows)
    ids = np.random.default_rng(1).integers(1, 2**63 - 1, rows)
    parts = np.split(every, range(batch, rows, batch))
    return Load(
        [_events(part, ids[part]) for part in parts], _runs(ids, 1), [_runs(ids[part], 2) for part in parts]
    )


def ceilings(url: str, made: Load) -> dict[str, float]:
    """Rows a second of the bare driver on an empty, migrated database."""
    with _bare(url, made) as works:
        return {name: _rate(made, [seconds(work) for work in each]) for name, each in works.items()}


def compared(store: str, made: Load) -> Iterator[Row]:
    """Rows a second of the store, and what share of the bare driver's that is, each on its own database.

    The two take turns batch by batch, so that a busy machine slows both alike.
    """
    with databases(store) as fresh, _bare(fresh(), made) as bare, _ours(fresh(), made) as ours:
        for name in bare:
            times = [
                (seconds(one), seconds(other)) for one, other in zip(bare[name], ours[name], strict=True)
            ]
            ceiling, reached = (_rate(made, list(side)) for side in zip(*times, strict=True))
            what = {"append": "new events", "move": "runs that move"}[name]
            ratio = rounded(reached / ceiling)
            yield Row(f"store, {what}, {store}", rounded(reached), "rows/s", BAR, ratio, "the bare driver")


@contextmanager
def _ours(url: str, made: Load) -> Iterator[Works]:
    """Through the store: one work a batch, each waiting for its commit."""
    with Database.open(url) as database:
        database.write(partial(runs.enter, entering=made.entered))
        yield {
            "append": [partial(database.write, partial(log.append, batch=batch)) for batch in made.events],
            "move": [partial(database.write, partial(runs.save, moved=batch)) for batch in made.moved],
        }


def _bare(url: str, made: Load) -> AbstractContextManager[Works]:
    return _bare_sqlite(url, made) if url.startswith("sqlite") else _bare_postgres(url, made)


@contextmanager
def _bare_sqlite(url: str, made: Load) -> Iterator[Works]:
    _prepare(url, made)
    insert = f"INSERT INTO events ({EVENT}) VALUES ({', '.join('?' * 10)})"
    change = f"UPDATE runs SET {_SET} WHERE id = ?"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for setting in SQLITE_SETTINGS:
            connection.execute(f"PRAGMA {setting}")

        def write(statement: str, rows: list[Values]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows)
            connection.execute("COMMIT")

        yield {
            "append": [partial(write, insert, _event_rows(batch)) for batch in made.events],
            "move": [partial(write, change, _run_rows(batch)) for batch in made.moved],
        }


@contextmanager
def _bare_postgres(url: str, made: Load) -> Iterator[Works]:
    """COPY for new rows, COPY and one UPDATE for changed ones: executemany is slower for both."""
    _prepare(url, made)
    names = [f'"{name}"' for name in RUN.split(", ")]
    change = ", ".join(f"{name} = new.{name}" for name in names[:-1])
    with psycopg.connect(url, options=POSTGRES_OPTIONS) as connection:

        def copy(into: str, rows: list[Values]) -> None:
            with connection.cursor().copy(f"COPY {into} FROM STDIN") as stream:
                for row in rows:
                    stream.write_row(row)

        def append(rows: list[Values]) -> None:
            copy(f"events ({EVENT})", rows)
            connection.commit()

        def move(rows: list[Values]) -> None:
            copy("new", rows)
            connection.execute(f"UPDATE runs SET {change} FROM new WHERE runs.id = new.id")
            connection.commit()

        chosen = f"SELECT {', '.join(names)} FROM runs LIMIT 0"
        connection.execute(f"CREATE TEMP TABLE new ON COMMIT DELETE ROWS AS {chosen}")
        connection.commit()
        yield {
            "append": [partial(append, _event_rows(batch)) for batch in made.events],
            "move": [partial(move, _run_rows(batch)) for batch in made.moved],
        }


def _prepare(url: str, made: Load) -> None:
    with Database.open(url) as database:
        database.write(partial(runs.enter, entering=made.entered))


def _rate(made: Load, seconds: list[float]) -> float:
    """By the median batch: one that met somebody else's write on the disk says nothing."""
    return made.rows / len(seconds) / median(seconds)


def _events(rows: Ints, keys: Ints) -> Events:
    """Made-up events, each with a key of its own and about 60 bytes of properties."""
    return Events(
        partitions=rows % 64,
        subjects=rows * 7919 % 100_000 + 1,
        keys=keys,
        runs=rows * 0,
        names=rows % 20 + 1,
        happened=rows + NOW,
        received=rows + NOW,
        origins=rows * 0 + 2,
        properties=[
            f'{{"plan":"trial","value":{n % 100},"url":"https://example.org/{n}"}}' for n in rows.tolist()
        ],
        traits=[""] * len(rows),
    )


def _runs(ids: Ints, step: int) -> Runs:
    """The runs with these ids, all on one step and due soon after one another."""
    row = np.arange(len(ids))
    made: dict[str, Any] = {field.name: row * 0 + step for field in fields(Runs)}
    made |= {"ids": ids, "customers": ids, "partitions": ids % 64}
    made |= {"reasons": [""] * len(ids), "left": row * 0 + NEVER, "due": row + NOW + step}
    return Runs(**made)


def _event_rows(batch: Events) -> list[Values]:
    return _rows([getattr(batch, field.name) for field in fields(Events)])


def _run_rows(batch: Runs) -> list[Values]:
    names = ("versions", "steps", "hops", "since", "due", "seen", "left", "reasons", "ids")
    return _rows([getattr(batch, name) for name in names])


def _rows(columns: Sequence[Any]) -> list[Values]:
    return list(zip(*(c.tolist() if isinstance(c, np.ndarray) else c for c in columns), strict=True))
