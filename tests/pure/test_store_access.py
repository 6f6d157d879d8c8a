"""What of the store needs no database: what errors mean, the queue, the clock, arrays on the wire."""

from __future__ import annotations

import sqlite3

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from sojourn.errors import Unavailable
from sojourn.store.access.clock import DatabaseClock
from sojourn.store.access.queue import Job, Queue
from sojourn.store.access.rows import ArrayDumper
from sojourn.store.access.trouble import Trouble, trouble


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SQLITE_FULL", Trouble.FULL),
        ("SQLITE_IOERR_SHMSIZE", Trouble.FULL),
        ("SQLITE_IOERR_FSYNC", Trouble.BROKEN),
        ("SQLITE_IOERR_WRITE", Trouble.BROKEN),
        ("SQLITE_CORRUPT", Trouble.BROKEN),
        ("SQLITE_BUSY", Trouble.AGAIN),
        ("SQLITE_CONSTRAINT_UNIQUE", None),
    ],
)
def test_what_an_error_of_sqlite_means(code: str, kind: Trouble | None) -> None:
    error = sqlite3.OperationalError("said")
    error.sqlite_errorcode = getattr(sqlite3, code)
    assert trouble(error) is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DeadlockDetected", Trouble.AGAIN),
        ("SerializationFailure", Trouble.AGAIN),
        ("DiskFull", Trouble.FULL),
        ("AdminShutdown", Trouble.LOST),
        ("IdleInTransactionSessionTimeout", Trouble.LOST),
        ("UniqueViolation", None),
    ],
)
def test_what_an_error_of_postgresql_means(name: str, kind: Trouble | None) -> None:
    assert trouble(getattr(psycopg.errors, name)("said")) is kind


def test_what_other_errors_mean() -> None:
    assert trouble(psycopg.OperationalError("connection refused")) is Trouble.LOST
    assert trouble(psycopg.DataError("NUL in a text")) is trouble(ValueError()) is None


def _job(must: bool = False) -> Job:
    return Job(lambda connection: None, must=must)


def test_a_full_queue_takes_only_what_must_be_written() -> None:
    queue = Queue(2)
    queue.put(_job())
    queue.put(_job())
    with pytest.raises(Unavailable):
        queue.put(_job())
    queue.put(told := _job(must=True))
    assert queue.backlog == 3
    assert queue.take(5)[-1] is told


def test_what_need_not_be_written_is_refused_where_there_is_no_room() -> None:
    queue = Queue(10)
    jobs = [_job(), _job(must=True), _job()]
    for job in jobs:
        queue.put(job)
    queue.refuse(Unavailable("full"))
    assert [isinstance(job.future.exception(), Unavailable) for job in (jobs[0], jobs[2])] == [True, True]
    assert queue.take(5) == [jobs[1]]


def test_a_closed_queue_gives_what_it_has_and_then_nothing() -> None:
    queue = Queue(10)
    jobs = [_job() for _ in range(3)]
    for job in jobs:
        queue.put(job)
    queue.close()
    with pytest.raises(Unavailable):
        queue.put(_job())
    assert (queue.take(2), queue.take(2), queue.take(2)) == (jobs[:2], jobs[2:], [])


def test_what_is_abandoned_fails() -> None:
    queue = Queue(10)
    job = _job()
    queue.put(job)
    queue.abandon(Unavailable("gone"))
    assert isinstance(job.future.exception(), Unavailable)


def test_the_clock_asks_seldom_and_goes_on_by_itself() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return 1_000_000_000

    clock = DatabaseClock(ask)
    times = [clock() for _ in range(50)]
    assert len(asked) == 1
    assert times == sorted(times)
    assert 0 <= times[0] - 1_000_000_000 < 1_000_000


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_arrays_go_over_the_wire_as_postgresql_writes_them(values: list[int]) -> None:
    sent = ArrayDumper(np.ndarray).dump(np.array(values, np.int64))
    assert Transformer().get_loader(ArrayDumper.oid, Format.BINARY).load(sent) == values
