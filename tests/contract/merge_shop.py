"""An installation whose customers turn out to be one, with a clock and ticks that are called by turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from sojourn.app import App
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.identify import part
from sojourn.ingest.intake import Intake
from sojourn.runtime.belonging import bitmap
from sojourn.runtime.merging.merging import Merging
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Resident
from sojourn.store import customers, effects, runs
from sojourn.store.definitions import journeys, segments
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.hashing import hash_text

HOUR = 3_600_000_000


@dataclass
class Shop:
    """An installation with a clock that stands still unless it is told otherwise."""

    app: App
    clock: list[int]
    told: int = 0
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        of_log = tapes_of_log(self.app.names)
        self.live = Live(Resident(), self.app.names, of_log, max_late=10**15)
        self.books = Books(self.app.names, on_merge=Merging(self.app.names))
        self.intake = Intake(self.app.database, self.books)

    def happens(
        self,
        name: str,
        *identities: tuple[str, str],
        tick: bool = True,
        ago: int = 0,
        traits: Mapping[str, str] = MappingProxyType({}),
        **properties: str,
    ) -> None:
        """An event that reaches us a second after the last, and happened so many microseconds before; the
        ticks that it calls for, unless they are to wait."""
        self.told += 1
        self.clock[0] += 1_000_000
        now = self.clock[0]
        event = Event(
            hash_text(f"{self.told}"),
            name,
            identities,
            now - ago,
            now - ago,
            Origin.SERVER,
            properties=dict(properties),
            traits=dict(traits),
        )
        self.intake.take(Reading((event,)), "test").result()
        if tick:
            self.later(0)

    def later(self, span: int) -> None:
        self.clock[0] += span
        while self._tick():
            pass

    def _tick(self) -> bool:
        catalogue = self.app.catalogue()
        return self.app.database.write(lambda c: self.live.tick(c, catalogue, self.clock[0])).held > 0

    def customer(self, kind: str, value: str) -> int:
        with self.app.database.reading() as connection:
            return int(customers.find(connection, [(kind, value)]).customers[0])

    def runs(self, customer: int) -> list[tuple[str, int, str]]:
        """Journey, step and why they left, of all runs of a customer in order of entering."""
        with self.app.database.reading() as connection:
            found = runs.of_customers(connection, np.array([customer]), inside=False)
            names = {journey.id: journey.name for journey in journeys.every(connection)}
        columns = (found.journeys.tolist(), found.steps.tolist(), found.reasons)
        return [(names[of], step, why) for of, step, why in zip(*columns, strict=True)]

    def members(self, name: str) -> list[int]:
        with self.app.database.reading() as connection:
            wanted = segments.find(connection, name).id
            rows = segments.membership(connection, np.arange(PARTITIONS))
        found = [bitmap.members(row.members, p) for (one, p), row in rows.items() if one == wanted]
        return sorted(np.concatenate([np.empty(0, np.int64), *found]).tolist())

    def planned(self, customer: int) -> list[str]:
        with self.app.database.reading() as connection:
            return list(effects.of_customer(connection, customer).templates)

    def part(self, subjects: np.ndarray) -> None:
        self.clock[0] += 1_000_000
        now = self.clock[0]
        self.app.database.write(lambda c: part(c, subjects, now, self.books.memory, self.books.on_merge))
        self.later(0)
