"""What was acknowledged survives: killed writers, crashed servers, full and failing disks (P1, P34–P36)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import store_child
import store_rows

from postgres_server import PostgresServer
from sojourn.errors import Unavailable
from sojourn.store import effects, log
from sojourn.store.access.reserve import Reserve
from sojourn.store.database import Database
from sojourn.store.effects import Settled, State
from sojourn.store.log import Offset

CHILD = [sys.executable, str(Path(store_child.__file__))]


def _child(url: str, first: int, *before: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*before, *CHILD, url, str(first)], stdout=subprocess.PIPE, cwd=Path(__file__).parent
    )


def _acknowledged(child: subprocess.Popen[bytes], batches: int) -> list[int]:
    """The keys of so many batches that the child says are durable, or of all until it ends."""
    assert child.stdout is not None
    keys: list[int] = []
    while len(keys) < batches * store_child.BATCH and (line := child.stdout.readline()):
        if line.strip().isdigit():
            keys += range(int(line), int(line) + store_child.BATCH)
    return keys


def _ended(child: subprocess.Popen[bytes]) -> list[int]:
    """Wait for the end of a child; the keys that it said were durable and that nobody has read yet."""
    with child:
        return _acknowledged(child, 1_000_000)


def _stored(database: Database) -> list[int]:
    with database.reading() as connection:
        return [int(key) for key in log.read(connection, Offset(), 1_000_000).keys]


def test_a_killed_writer_loses_nothing_acknowledged(database_url: str) -> None:
    acknowledged: list[int] = []
    for kill in range(3):
        child = _child(database_url, 1 + kill * 1_000_000)
        acknowledged += _acknowledged(child, 5 + 20 * kill)
        child.kill()
        acknowledged += _ended(child)
    with Database.open(database_url) as database:
        stored = _stored(database)
        assert len(stored) == len(set(stored))
        assert set(acknowledged) <= set(stored)
        again = store_rows.events(acknowledged[-40:])
        assert not database.write(partial(log.append, batch=again)).any()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


def test_a_crashed_server_is_found_again(server: PostgresServer) -> None:
    with Database.open(server.url()) as database:
        acknowledged, refused = [], 0
        for start in range(1, 4000, 20):
            if start in (401, 1601):
                server.stop(signal.SIGQUIT)
            if start in (441, 1641):
                server.start()
            batch = store_rows.events([*range(start, start + 20)])
            try:
                database.write(partial(log.append, batch=batch))
                acknowledged += batch.keys.tolist()
            except Unavailable:
                refused += 1
        stored = _stored(database)
        assert refused >= 2
        assert len(acknowledged) >= 3600
        assert set(acknowledged) <= set(stored)
        assert len(stored) == len(set(stored))


def test_a_reader_of_a_stopped_server_is_told(server: PostgresServer) -> None:
    database = Database.open(server.url())
    server.stop(signal.SIGQUIT)
    with pytest.raises(Unavailable), database.reading() as connection:
        log.read(connection, Offset(), 1)
    server.start()
    assert _stored(database) == []
    database.close()


def test_work_waits_for_no_server(server: PostgresServer) -> None:
    server.stop()
    with pytest.raises(Unavailable):
        Database.open(server.url())
    server.start()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system of a limited size")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)], check=False)
    if made.returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_full_disk_refuses_and_resumes_alone(small_disk: Path) -> None:
    broken: list[BaseException] = []
    database = Database.open(f"sqlite:///{small_disk}/sojourn.db", on_broken=broken.append)
    acknowledged: list[int] = []

    def fill(start: int) -> bool:
        batch = store_rows.events([*range(start, start + 100)])
        try:
            database.write(partial(log.append, batch=batch))
        except Unavailable:
            return False
        acknowledged.extend(batch.keys.tolist())
        return True

    starts = iter(range(1, 10_000_000, 100))
    while fill(next(starts)):
        pass
    assert not fill(next(starts))
    assert set(acknowledged) == set(_stored(database))
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    assert sum(fill(next(starts)) for _ in range(20)) == 20
    assert sorted(acknowledged) == sorted(_stored(database))
    database.close()
    assert broken == []
    with sqlite3.connect(small_disk / "sojourn.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_must_be_written_still_is_when_the_disk_is_full(small_disk: Path) -> None:
    file, size = small_disk / "reserve", 512 * 1024
    database = Database.open(f"sqlite:///{small_disk}/sojourn.db", reserve=Reserve(file, size))
    assert file.stat().st_blocks * 512 >= size and not database.full
    sent = store_rows.effects([1])
    database.write(partial(effects.plan, planned=sent))
    claimed = database.write(lambda connection: effects.claim(connection, store_rows.NOW, 1, 10))
    with pytest.raises(Unavailable):
        _fill(database)
    assert _soon(lambda: database.full) and not file.exists()
    with pytest.raises(Unavailable) as refused:
        database.submit(lambda connection: None)
    assert 0 < refused.value.retry_after <= 300
    became = Settled(claimed.keys, claimed.fences, np.array([State.ACCEPTED]), np.array([0]), ["taken"], [""])
    assert database.submit(partial(effects.settle, settled=became), must=True).result().all()
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    assert database.write(effects.counts) == {State.ACCEPTED: 1}
    assert file.stat().st_blocks * 512 >= size
    database.close()


def _fill(database: Database) -> None:
    """Write until there is no room."""
    for start in range(1, 10_000_000, 100):
        database.write(partial(log.append, batch=store_rows.events([*range(start, start + 100)])))


def _soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


@pytest.mark.parametrize("nth", [1, 4, 9])
def test_a_failed_fsync_ends_the_process(tmp_path: Path, nth: int) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: it makes the fsync fail")
    url = f"sqlite:///{tmp_path}/sojourn.db"
    Database.open(url).close()
    fault = f"inject=fdatasync,fsync:error=EIO:when={nth}"
    child = _child(
        url, 1, "strace", "-f", "-qq", "-o", "/dev/null", "-e", fault, "-e", "trace=fdatasync,fsync"
    )
    acknowledged = _ended(child)
    assert child.returncode == 3
    with Database.open(url) as database:
        assert set(acknowledged) <= set(_stored(database))


def test_a_slow_close_commits_what_is_queued(database_url: str) -> None:
    database = Database.open(database_url)
    futures = [
        database.submit(partial(log.append, batch=store_rows.events([*range(n, n + 10)])))
        for n in range(1, 1000, 10)
    ]
    database.close()
    assert all(future.result().all() for future in futures)
    with pytest.raises(Unavailable):
        database.submit(lambda connection: time.sleep(0))
    with Database.open(database_url) as database:
        assert np.array_equal(sorted(_stored(database)), np.arange(1, 1001))
