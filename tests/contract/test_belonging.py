"""Who belongs to which segment: kept up to date by ticks, by what customers do and by time alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from belonging_place import BEGIN, HOUR, IMPORTED, MINUTE, Installation, installation_on, look
from sqlalchemy import Connection

from sojourn.runtime.belonging import bitmap
from sojourn.store import customers, partitions
from sojourn.store.database import Database


@pytest.fixture
def installation(database: Database) -> Installation:
    return installation_on(database)


def test_time_alone_makes_customers_leave_within_a_minute(installation: Installation) -> None:
    installation.define("active", {"performed": "Logged In", "within": "2 hours"})
    installation.until(BEGIN + MINUTE)
    installation.happens(5, "Logged In")
    installation.until(BEGIN + HOUR)
    installation.happens(70, "Logged In")
    installation.until(BEGIN + 2 * HOUR)
    assert installation.members("active") == [5, 70]
    installation.until(BEGIN + 4 * HOUR)
    assert installation.members("active") == []
    left = [(5, look(5, MINUTE + 2 * HOUR + 1) + 1), (70, look(6, HOUR + 2 * HOUR + 1) + 1)]
    entered = [(5, MINUTE + 1), (70, HOUR + 1)]
    assert installation.marks() == [
        *((who, "Segment Entered", "active", at) for who, at in entered),
        *((who, "Segment Left", "active", at) for who, at in left),
    ]


def test_a_new_segment_asks_everybody_and_a_changed_one_moves_only_who_differs(
    installation: Installation,
) -> None:
    for customer, name in ((1, "A"), (2, "A"), (3, "B"), (64, "A"), (64, "B")):
        installation.happens(customer, name)
    installation.until(BEGIN + HOUR)
    installation.define("a", {"performed": "A"})
    installation.until(BEGIN + 2 * HOUR)
    assert installation.members("a") == [1, 2, 64]
    assert {(who, at) for who, _, _, at in installation.marks()} == {(who, HOUR + 1) for who in (1, 2, 64)}
    installation.define("a", {"performed": "B"})
    installation.until(BEGIN + 3 * HOUR)
    assert installation.members("a") == [3, 64]
    assert {one[:2] for one in installation.marks() if one[3] > HOUR + 1} == {
        (1, "Segment Left"),
        (2, "Segment Left"),
        (3, "Segment Entered"),
    }


def test_a_segment_of_segments_is_asked_again_when_one_of_them_changes(installation: Installation) -> None:
    installation.define("a", {"performed": "A"})
    installation.define("not_a", {"all": [{"performed": "B"}, {"not": {"in_segment": "a"}}]})
    installation.happens(1, "A")
    installation.happens(1, "B")
    installation.until(BEGIN + HOUR)
    assert (installation.members("a"), installation.members("not_a")) == ([1], [])
    installation.define("a", {"performed": "A", "at_least": 2})
    installation.until(BEGIN + 2 * HOUR)
    assert (installation.members("a"), installation.members("not_a")) == ([], [1])


def test_strangers_belong_where_nothing_has_to_be_known(installation: Installation) -> None:
    made = installation.database.write(
        lambda c: customers.identify(c, [("user_id", "ada"), ("user_id", "bob")], BEGIN)
    ).subjects.tolist()
    installation.define("silent", {"not": {"performed": "A", "within": "1 hours"}})
    installation.until(BEGIN + HOUR)
    assert installation.members("silent") == made
    installation.happens(1000, "Noise")
    installation.happens(made[0], "A")
    installation.until(BEGIN + HOUR + MINUTE)
    assert installation.members("silent") == [made[1], 1000]
    assert (1000, "Segment Entered", "silent", HOUR + 1) in installation.marks()
    installation.until(BEGIN + 3 * HOUR)
    assert installation.members("silent") == [*made, 1000]


def test_imported_history_counts_from_the_tick_that_meets_it(installation: Installation) -> None:
    installation.define("a", {"performed": "A"})
    installation.define("silent", {"not": {"performed": "A"}})
    installation.until(BEGIN + HOUR)
    installation.happens(7, "A", origin=IMPORTED, at=BEGIN - HOUR)
    installation.happens(8, "B", origin=IMPORTED, at=BEGIN - HOUR)
    installation.until(BEGIN + 2 * HOUR)
    assert (installation.members("a"), installation.members("silent")) == ([7], [8])
    assert all(HOUR <= at <= 2 * HOUR for _, _, _, at in installation.marks())


def test_traits_move_members(installation: Installation) -> None:
    installation.define("pro", {"trait": "plan", "is": "pro"})
    installation.happens(7, "Identified", traits='{"plan":"pro"}')
    installation.until(BEGIN + HOUR)
    assert installation.members("pro") == [7]
    installation.happens(7, "Anything", traits='{"plan":"free"}')
    installation.until(BEGIN + 2 * HOUR)
    assert installation.members("pro") == []


def test_a_bitmap_holds_who_was_put_in() -> None:
    customers = np.array([3, 67, 3 + 64 * 1000])
    packed = bitmap.changed(b"", customers, np.array([True, False, True]))
    assert bitmap.members(packed, 3).tolist() == [3, 3 + 64 * 1000]
    packed = bitmap.changed(packed, customers, np.array([False, True, True]))
    assert bitmap.holds(packed, np.array([3, 67, 3 + 64 * 1000, 3 + 64 * 99999])).tolist() == [
        False,
        True,
        True,
        False,
    ]
    assert bitmap.holds(b"", customers).tolist() == [False] * 3


def test_a_new_segment_waits_for_no_tick_of_others(installation: Installation) -> None:
    database = installation.database
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer: it holds everything")
    for customer in (1, 2):
        installation.happens(customer, "Logged In")
    while installation.tick():
        pass
    installation.define("seen", {"performed": "Logged In"})
    installation.now += MINUTE
    held, go_on = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        partitions.lock_these(connection, np.array([2]))
        held.set()
        go_on.wait(30)

    other = database.submit(hold, alone=True)
    assert held.wait(10)
    try:
        while installation.tick():
            pass
        assert installation.members("seen") == [1]
    finally:
        go_on.set()
    other.result()
    while installation.tick():
        pass
    assert installation.members("seen") == [1, 2]
