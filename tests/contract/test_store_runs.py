"""Runs, counts and partitions on both stores."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import store_rows
from sqlalchemy import Connection
from store_rows import NOW

from sojourn.store import counts, partitions, runs
from sojourn.store.database import Database
from sojourn.store.tables import NEVER


def test_a_run_enters_once(database: Database) -> None:
    assert database.write(lambda connection: runs.enter(connection, store_rows.runs([1, 2]))).all()
    again = database.write(lambda connection: runs.enter(connection, store_rows.runs([2, 3, 3])))
    assert again.tolist() == [False, True, False]


def test_a_saved_run_is_read_as_it_was(database: Database) -> None:
    database.write(lambda connection: runs.enter(connection, store_rows.runs([1, 2, 2**62])))
    moved = store_rows.runs(
        [2, 2**62], steps=np.array([3, 4]), hops=np.array([1, 2]), due=np.array([NEVER, NOW + 5]),
        left=np.array([NOW, NEVER]), reasons=["goal", ""],
    )  # fmt: skip
    database.write(lambda connection: runs.save(connection, moved))
    with database.reading() as connection:
        found = runs.of_customers(connection, np.array([2, 2**62, 77]), inside=False)
    for name in runs.Runs.__dataclass_fields__:
        assert list(getattr(found, name)) == list(getattr(moved, name)), name


def test_due_runs_are_of_these_partitions_and_of_each_the_earliest(database: Database) -> None:
    some = store_rows.runs([1, 2, 3, 65], due=np.array([NOW + 2, NOW + 1, NEVER, NOW]))
    database.write(lambda connection: runs.enter(connection, some))
    with database.reading() as connection:
        assert runs.due(connection, np.array([1, 2, 3]), NOW + 1, 10).tolist() == [2, 65]
        assert runs.due(connection, np.array([1, 2, 3]), NOW + 9, 3).tolist() == [2, 65]
        assert runs.due(connection, np.array([3]), NOW + 9, 3).tolist() == []
        assert runs.next_due(connection, np.array([1, 2, 3])).tolist() == [NOW, NOW + 1, NEVER]


def test_runs_of_customers(database: Database) -> None:
    some = store_rows.runs([1, 2, 3], customers=np.array([8, 8, 9]), left=np.array([NEVER, NOW, NEVER]))
    database.write(lambda connection: runs.enter(connection, some))
    with database.reading() as connection:
        assert runs.of_customers(connection, np.array([8, 9])).ids.tolist() == [1, 3]
        assert runs.of_customers(connection, np.array([8]), inside=False).ids.tolist() == [1, 2]
        assert runs.standing(connection, np.array([8]), [1]).ids.tolist() == [1]
        assert runs.of_journey(connection, 1).ids.tolist() == [1, 3]
    database.write(lambda connection: runs.take_over(connection, np.array([3]), np.array([8])))
    with database.reading() as connection:
        assert runs.of_customers(connection, np.array([8])).ids.tolist() == [1, 3]


def test_counts_add_up_over_shards(database: Database) -> None:
    database.write(
        lambda connection: counts.count(connection, 3, {(1, 2, "visit", ""): 5, (1, 2, "exit", "yes"): 1})
    )
    database.write(lambda connection: counts.count(connection, 3, {(1, 2, "visit", ""): 2}))
    database.write(
        lambda connection: counts.count(connection, 4, {(1, 2, "visit", ""): 1, (9, 1, "visit", ""): 1})
    )
    with database.reading() as connection:
        assert counts.of_version(connection, 1) == {(1, 2, "visit", ""): 8, (1, 2, "exit", "yes"): 1}


def _come_due(connection: Connection, instants: dict[int, int]) -> None:
    """Let time have something to do in these partitions at these instants."""
    held = partitions.lock_these(connection, np.array(list(instants)))
    due = np.array([instants[partition] for partition in held.ids.tolist()])
    partitions.save(connection, replace(held, due=due))


def test_partitions_with_work_are_locked(database: Database) -> None:
    assert not database.write(lambda connection: len(partitions.lock(connection, NOW, 64)))
    database.write(lambda connection: _come_due(connection, {7: 3, 9: NOW + 1}))
    with database.reading() as connection:
        assert partitions.next_due(connection) == 3
    held = database.write(lambda connection: partitions.lock(connection, NOW, 64))
    assert held.due[held.ids == 7].tolist() == [3]
    assert held.ids.tolist() == ([7] if database.dialect == "postgresql" else list(range(64)))


def test_partitions_without_work_are_locked_if_they_are_named(database: Database) -> None:
    named = np.array([7, 9])
    held = database.write(lambda connection: partitions.lock(connection, NOW, 64, named))
    assert held.ids.tolist() == ([7, 9] if database.dialect == "postgresql" else list(range(64)))


def test_a_held_partition_is_passed_by(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer: it holds everything")
    database.write(lambda connection: _come_due(connection, {7: 1, 9: 1}))
    locked, go_on = threading.Event(), threading.Event()

    def hold(connection: Connection) -> list[int]:
        held = partitions.lock(connection, NOW, 1)
        locked.set()
        go_on.wait(10)
        return [int(i) for i in held.ids]

    first = database.submit(hold, alone=True)
    locked.wait(10)
    second = database.write(lambda connection: partitions.lock(connection, NOW, 64).ids.tolist(), alone=True)
    go_on.set()
    assert (first.result(), second) == ([7], [9])


def test_who_waited_longest_is_next(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer: it holds everything")
    database.write(lambda connection: _come_due(connection, {7: 1, 9: 1}))

    def tick(connection: Connection) -> list[int]:
        held = partitions.lock(connection, NOW, 1)
        partitions.save(connection, held)
        return [int(i) for i in held.ids]

    assert [database.write(tick) for _ in range(3)] == [[7], [9], [7]]
