"""What messages may say of customers is known wherever their events lie: in the log, at rest, or pruned."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
import store_rows
from sqlalchemy import Connection

from sojourn.customer.traits import profiles
from sojourn.lake.folder import Folder
from sojourn.runtime.dispatch.people import People
from sojourn.runtime.history import SEALED, History
from sojourn.runtime.records import tapes_of_log
from sojourn.store import log, partitions
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS

EVERYBODY = np.arange(1, 41)
LATER = store_rows.NOW + 90 * 86_400_000_000


class Customers:
    """Forty customers whose traits change, and what each of them says at last."""

    def __init__(self, database: Database, folder: Path) -> None:
        names = Names(database.reading)
        database.write(lambda connection: names.codes(connection, ["A"]))
        self.history = History(database, Folder.local(folder), names)
        self.known: dict[int, dict[str, object]] = {customer: {} for customer in EVERYBODY.tolist()}
        self._told = 0

    def change(self, n: int) -> None:
        """n more events, each of which says something new of a customer."""
        keys = list(range(self._told + 1, self._told + n + 1))
        self._told += n
        who = [key * 7 % 40 + 1 for key in keys]
        said = [{"plan": f"p{key}"} if key % 2 else {"age": key, "city": f"Köln {key}"} for key in keys]
        for customer, one in zip(who, said, strict=True):
            self.known[customer] |= one
        events = replace(
            store_rows.events(keys),
            subjects=np.array(who),
            partitions=np.array(who) % PARTITIONS,
            names=np.ones(n, np.int64),
            received=store_rows.NOW + np.array(keys) * 64,
            traits=[msgspec.json.encode(one).decode() for one in said],
        )
        self.history.database.write(lambda connection: log.append(connection, events))

    def come_to_rest(self, *, pruned: bool) -> None:
        """Have everything that was told read by a tick and sealed; the log forgets it if it is pruned."""
        database = self.history.database

        def read(connection: Connection) -> None:
            held = partitions.lock_these(connection, np.arange(PARTITIONS))
            partitions.save(connection, partitions.reach(connection, held, 10**6))

        database.write(read)
        assert self.history.seal() > 0
        with database.reading() as connection:
            sealed = log.offset(connection, SEALED)
        if pruned:
            database.write(partial(log.prune, sealed=sealed, before=LATER))
            with database.reading() as connection:
                assert len(log.read(connection, log.Offset(), 10)) == 1

    def people(self) -> People:
        """People as a sender begins with them."""
        return People(self.history.database, tapes_of_log(self.history.names), self.history)


def told(people: People) -> dict[int, dict[str, object]]:
    tape = people.tape(EVERYBODY)
    found = profiles((tape,), np.arange(len(EVERYBODY)), np.full(len(EVERYBODY), LATER))
    return {customer: dict(one) for customer, one in zip(EVERYBODY.tolist(), found, strict=True)}


@pytest.fixture
def customers(database: Database, tmp_path: Path) -> Customers:
    return Customers(database, tmp_path / "lake")


@pytest.mark.parametrize("pruned", [False, True], ids=["in the log as well", "pruned"])
def test_who_begins_reads_what_is_at_rest_and_what_is_not(customers: Customers, pruned: bool) -> None:
    customers.change(90)
    customers.come_to_rest(pruned=pruned)
    people = customers.people()
    assert told(people) == customers.known
    customers.change(30)
    assert told(people) == customers.known
    assert told(customers.people()) == customers.known


@pytest.mark.parametrize("pruned", [False, True], ids=["in the log as well", "pruned"])
def test_who_looked_away_misses_nothing_that_came_to_rest_meanwhile(
    customers: Customers, pruned: bool
) -> None:
    customers.change(50)
    people = customers.people()
    assert told(people) == customers.known
    for n in (30, 60):
        customers.change(n)
        customers.come_to_rest(pruned=pruned)
        customers.change(5)
        assert told(people) == customers.known
