"""A store with its ticks and a clock that is set, for tests of what customers belong to."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.runtime.belonging import bitmap
from sojourn.runtime.belonging.defining import define
from sojourn.runtime.publishing.publish import publish
from sojourn.runtime.publishing.published import published
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Resident
from sojourn.store import log, partitions
from sojourn.store.database import Database
from sojourn.store.definitions import segments
from sojourn.store.definitions.documents import Kind
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import mix

MINUTE = 60_000_000
HOUR = 60 * MINUTE
BEGIN = 1_772_000_000_000_000 // MINUTE * MINUTE
LOUD, IMPORTED = 2, 3


@dataclass
class Installation:
    """A store, its ticks and its clock."""

    database: Database
    live: Live
    names: Names
    now: int = BEGIN
    told: int = 0

    def define(self, name: str, rule: object) -> None:
        text = msgspec.json.encode(rule).decode()
        self.database.write(lambda c: segments.save(c, name, text, self.now))

    def write(self, kind: Kind, text: str) -> None:
        """Define a score, a list or the lifecycle."""
        self.database.write(lambda c: define(c, kind, text, self.now))

    def publish(self, journey: str) -> None:
        self.database.write(lambda c: publish(c, journey, self.now))

    def happens(self, customer: int, name: str, *, origin: int = LOUD, at: int = 0, traits: str = "") -> None:
        self.told += 1
        at = at or self.now
        one = np.array([customer])
        self.database.write(lambda c: self._append(c, one, name, at, origin, traits))

    def _append(
        self, connection: Connection, one: np.ndarray, name: str, at: int, origin: int, traits: str
    ) -> None:
        events = log.Events(
            partitions=one % PARTITIONS,
            subjects=one,
            keys=mix(self.told),
            runs=one * 0,
            names=self.names.codes(connection, [name]),
            happened=np.array([at]),
            received=np.array([at]),
            origins=np.array([origin]),
            properties=["{}"],
            traits=[traits],
        )
        log.append(connection, events)

    def until(self, now: int) -> None:
        """Let time pass: a tick whenever something is due, and one at the end."""
        while True:
            with self.database.reading() as connection:
                due = partitions.next_due(connection)
            self.now = max(self.now, min(due + GRAIN, now))
            while self.tick():
                pass
            if self.now == now:
                return

    def tick(self) -> bool:
        def work(connection: Connection) -> bool:
            return self.live.tick(connection, published(connection), self.now).held > 0

        return self.database.write(work, alone=True)

    def members(self, name: str) -> list[int]:
        with self.database.reading() as connection:
            wanted = segments.find(connection, name).id
            rows = segments.membership(connection, np.arange(PARTITIONS))
        found = [bitmap.members(row.members, p) for (one, p), row in rows.items() if one == wanted]
        return sorted(np.concatenate([np.empty(0, np.int64), *found]).tolist())

    def marks(self) -> list[tuple[int, str, str, int]]:
        """Customer, mark, segment and when it was met, after the beginning."""
        told = self.all_told("Segment")
        found = [(who, name, str(said["segment"]), at) for who, name, said, at in told]
        return sorted(found, key=lambda one: (one[3], one[0], one[1]))

    def all_told(self, begins: str) -> list[tuple[int, str, dict[str, object], int]]:
        """Customer, name, properties and instant after the beginning, of all whose names begin so."""
        with self.database.reading() as connection:
            logged = log.read(connection, log.Offset(), 1_000_000)
        names, found = self.names.names(logged.names), []
        for n, (who, at) in enumerate(zip(logged.subjects.tolist(), logged.received.tolist(), strict=True)):
            if (name := names[int(logged.names[n])]).startswith(begins):
                found.append((who, name, msgspec.json.decode(logged.properties[n]), at - BEGIN))
        return sorted(found, key=lambda one: (one[3], one[0]))


def installation_on(database: Database) -> Installation:
    """An installation on a database, in which nothing has happened yet."""
    names = Names(database.reading)
    live = Live(Resident(), names, tapes_of_log(names), max_late=10**15)
    return Installation(database, live, names)


def look(customer: int, instant: int) -> int:
    """When the customer next looks at the clock, after the beginning."""
    phase = -(-(customer * MINUTE // 64) // GRAIN) * GRAIN
    return -(-(instant - phase) // MINUTE) * MINUTE + phase
