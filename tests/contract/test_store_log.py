"""The log: an event counts once (P2), and nobody's reading skips what was committed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import store_rows
from sqlalchemy import Connection
from store_rows import NOW

from sojourn.store import effects, log, partitions, runs
from sojourn.store.database import Database
from sojourn.store.effects import State
from sojourn.store.log import Logged, Offset
from sojourn.store.names import Names
from sojourn.store.tables import NEVER

DAY = 86_400_000_000


def _append(database: Database, keys: list[int], **more: int) -> list[bool]:
    counted = database.write(lambda connection: log.append(connection, store_rows.events(keys, **more)))
    return [bool(one) for one in counted]


def _all(database: Database) -> Logged:
    with database.reading() as connection:
        return log.read(connection, Offset(), 10_000)


def test_what_was_appended_is_read_as_it_was(database: Database) -> None:
    batch = store_rows.events([5, 3, 2**62 + 1])
    assert _append(database, batch.keys.tolist()) == [True, True, True]
    logged = _all(database)
    for column in ("partitions", "subjects", "keys", "runs", "names", "happened", "received", "origins"):
        np.testing.assert_array_equal(getattr(logged, column), getattr(batch, column), column)
    assert (logged.properties, logged.traits) == (batch.properties, batch.traits)


@pytest.mark.parametrize("later", [0, 23 * 3_600_000_000, 25 * 3_600_000_000, 29 * DAY])
def test_a_repeat_changes_nothing(database: Database, later: int) -> None:
    assert _append(database, [1, 2]) == [True, True]
    assert _append(database, [3, 1, 4], received=NOW + later) == [True, False, True]
    logged = _all(database)
    assert logged.keys.tolist() == [1, 2, 3, 4]
    assert logged.received[0] == NOW


def test_of_repeats_in_one_batch_the_first_counts(database: Database) -> None:
    assert _append(database, [7, 8, 7, 9, 8]) == [True, True, False, True, False]
    assert _all(database).keys.tolist() == [7, 8, 9]


def test_repeats_by_concurrent_workers_count_once(workers: list[Database]) -> None:
    def write(mine: Database) -> None:
        for start in range(1, 200, 10):
            mine.write(partial(log.append, batch=store_rows.events([*range(start, start + 40)])))

    threads = [threading.Thread(target=write, args=(mine,)) for mine in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(_all(workers[0]).keys.tolist()) == list(range(1, 231))


def _tick(connection: Connection, limit: int) -> list[int]:
    held = partitions.lock(connection, NOW, 64)
    if not len(held):
        return []
    after = partitions.reach(connection, held, limit)
    logged = partitions.news(connection, held, after, np.arange(8))
    partitions.save(connection, after)
    return [int(key) for key in logged.keys]


def _ticks(database: Database, done: threading.Event) -> Iterator[int]:
    while True:
        ended = done.is_set()
        keys = database.write(lambda connection: _tick(connection, 500), alone=True)
        yield from keys
        if ended and not keys:
            return


def test_a_tick_skips_nothing_of_four_writers(workers: list[Database]) -> None:
    done = threading.Event()

    def write(first: int, mine: Database) -> None:
        for start in range(first, first + 6000, 60):
            _append(mine, [*range(start, start + 60)])

    threads = [threading.Thread(target=write, args=(1 + n * 10_000, mine)) for n, mine in enumerate(workers)]

    def wait() -> None:
        for thread in threads:
            thread.join()
        done.set()

    for thread in (*threads, threading.Thread(target=wait)):
        thread.start()
    keys = list(_ticks(workers[0], done))
    assert len(keys) == len(set(keys)) == 24_000


def test_an_open_transaction_holds_the_reader_back(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer: no transaction is open beside another")
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        log.append(connection, store_rows.events([1]))
        begun.set()
        go_on.wait(10)

    waiting = database.submit(slow, alone=True)
    begun.wait(10)
    _append(database, [2])
    with database.reading() as connection:
        assert log.held_back(connection)
    assert _all(database).keys.tolist() == []
    go_on.set()
    waiting.result()
    assert _all(database).keys.tolist() == [1, 2]
    with database.reading() as connection:
        assert not log.held_back(connection)


def test_reading_goes_on_page_by_page(database: Database) -> None:
    for start in range(1, 100, 10):
        _append(database, [*range(start, start + 10)])
    found: list[int] = []
    offset = Offset()
    with database.reading() as connection:
        while len(page := log.read(connection, offset, 7)):
            found += page.keys.tolist()
            offset = Offset(int(page.xids[-1]), int(page.positions[-1]))
    assert found == list(range(1, 101))


def test_news_are_of_wanted_names_or_carry_traits(database: Database) -> None:
    _append(database, [*range(1, 15)])  # each name twice, see store_rows
    told = replace(store_rows.events([100]), traits=['{"plan":"trial"}'])
    database.write(lambda connection: log.append(connection, told))

    def wanted(connection: Connection) -> list[int]:
        held = partitions.lock(connection, NOW, 64)
        after = partitions.reach(connection, held, 1000)
        return [int(key) for key in partitions.news(connection, held, after, np.array([2, 3])).keys]

    assert database.write(wanted, alone=True) == [1, 2, 8, 9, 100]


def test_moved_events_are_read_in_their_new_partition(database: Database) -> None:
    _append(database, [1, 2, 3], partition=5)
    if database.dialect == "sqlite":
        pytest.skip("on SQLite one tick reads all partitions")
    assert sorted(database.write(lambda connection: _tick(connection, 100))) == [1, 2, 3]
    position = _all(database).positions[1:2]
    database.write(lambda connection: log.move(connection, position, np.array([9])))
    assert database.write(lambda connection: _tick(connection, 100)) == [2]


def test_restamped_events_keep_all_else(database: Database) -> None:
    _append(database, [1, 2])
    positions = _all(database).positions
    database.write(lambda connection: log.restamp(connection, positions[1:], np.array([NOW + 99])))
    assert _all(database).received.tolist() == [NOW, NOW + 99]


def test_pruning_keeps_what_is_young_unsealed_or_last(database: Database) -> None:
    _append(database, [1, 2, 3], partition=5)
    _append(database, [4], partition=5, received=NOW + 40 * DAY)
    logged = _all(database)
    sealed = Offset(int(logged.xids[1]), int(logged.positions[1]))
    everything = Offset(int(logged.xids[3]), int(logged.positions[3]))
    _prune(database, sealed, NOW + DAY)
    assert _all(database).keys.tolist() == [3, 4]
    _prune(database, everything, NOW + 60 * DAY)
    assert _all(database).keys.tolist() == [4]


def test_pruning_goes_on_past_the_entering_events_that_messages_may_speak_of(database: Database) -> None:
    _append(database, [*range(1, 12)], partition=5)
    inside = store_rows.runs([1, 2, 3], entry_keys=np.array([1, 2, 3]), left=np.array([NEVER, 9, 9]))
    ahead = store_rows.effects([20, 21], runs=np.array([2, 3]))
    logged = _all(database)
    sealed = Offset(int(logged.xids[-1]), int(logged.positions[-1]))
    database.write(lambda connection: runs.enter(connection, inside))
    sent = np.array([State.PLANNED, State.ACCEPTED])
    database.write(lambda connection: effects.plan(connection, ahead, sent, ["", ""]))
    _prune(database, sealed, NOW + DAY, limit=2)
    assert _all(database).keys.tolist() == [1, 2, 11]


def _prune(database: Database, sealed: Offset, before: int, limit: int = 50_000) -> None:
    past = 0
    while past := database.write(partial(log.prune, sealed=sealed, before=before, past=past, limit=limit)):
        continue


def test_names_keep_their_codes(database: Database) -> None:
    names = Names(database.reading)
    first = database.write(
        lambda connection: names.codes(connection, ["Signed Up", "Ünïcode 🎉", "Signed Up"])
    )
    assert first[0] == first[2] != first[1]
    again = database.write(lambda connection: Names(database.reading).codes(connection, ["Ünïcode 🎉"]))
    assert again.tolist() == [first[1]]
    assert names.names(first) == {int(first[0]): "Signed Up", int(first[1]): "Ünïcode 🎉"}


def test_no_more_names_are_remembered_than_fit(database: Database) -> None:
    names = Names(database.reading, most=10)
    first = database.write(lambda connection: names.codes(connection, ["A", "B"]))
    for n in range(0, 30, 3):
        some = [f"N{n}", "A", f"N{n + 1}", "B", f"N{n + 2}"]
        codes = database.write(partial(names.codes, names=some))
        assert codes[[1, 3]].tolist() == first.tolist()
        assert names.names(codes) == dict(zip(codes.tolist(), some, strict=True))
    everything = [f"N{n}" for n in range(30)]
    codes = database.write(lambda connection: names.codes(connection, everything))
    assert names.names(codes) == dict(zip(codes.tolist(), everything, strict=True))
    assert len(names.names(first)) == 2
    assert len(names._codes) <= 10


def test_a_name_that_was_rolled_back_is_not_remembered(database: Database) -> None:
    names = Names(database.reading)

    def failing(connection: Connection) -> None:
        names.codes(connection, ["Lost"])
        raise ValueError("rolled back")

    with pytest.raises(ValueError, match="rolled back"):
        database.write(failing)
    code = database.write(lambda connection: names.codes(connection, ["Lost"]))
    assert names.names(code) == {int(code[0]): "Lost"}
