"""The database: migrations, group commit, reading, the bell and time, on both stores."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import alembic.autogenerate
import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from postgres_server import PostgresServer
from sojourn.errors import BrokenInvariant, Misconfigured, Unavailable
from sojourn.store.access import ddl, migrate
from sojourn.store.database import Database
from sojourn.store.tables import partitions, settings


def _put(name: str, value: str = "1") -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.execute(sa.insert(settings).values(name=name, value=value))
        return name

    return work


def _names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(sa.select(settings.c.name).order_by(settings.c.name)))


def test_what_was_written_is_read(database: Database) -> None:
    assert database.write(_put("a")) == "a"
    assert _names(database) == ["a"]


def test_a_work_that_fails_fails_alone(database: Database) -> None:
    works = [_put("a"), _put("a"), _put("b"), lambda connection: 1 / 0, _put("c")]
    futures = [database.submit(work) for work in works]
    assert [future.result() for future in (futures[0], futures[2], futures[4])] == ["a", "b", "c"]
    assert isinstance(futures[1].exception(), sa.exc.IntegrityError)
    assert isinstance(futures[3].exception(), ZeroDivisionError)
    assert _names(database) == ["a", "b", "c"]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((sa.exc.DBAPIError, Unavailable)), database.reading() as connection:
        _put("a")(connection)


def test_a_reader_sees_one_state_however_long_it_looks(database: Database) -> None:
    with database.reading() as connection:
        before = connection.scalar(sa.select(sa.func.count()).select_from(settings))
        database.write(_put("a"))
        assert connection.scalar(sa.select(sa.func.count()).select_from(settings)) == before == 0
    assert _names(database) == ["a"]


def test_work_may_not_wait_for_work(database: Database) -> None:
    with pytest.raises(BrokenInvariant):
        database.write(lambda connection: database.write(_put("a")))


def test_the_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        differences = alembic.autogenerate.compare_metadata(context, ddl.METADATA)
        indexes = {index.name for table in ddl.METADATA.tables.values() for index in table.indexes}
        found = sa.inspect(connection)
        there = {index["name"] for table in ddl.METADATA.tables for index in found.get_indexes(table)}
        assert connection.scalars(sa.select(partitions.c.id).order_by(partitions.c.id)).all() == [*range(64)]
    assert [change for change in differences if "events_by_partition" not in str(change)] == []
    assert indexes - there == ({"events_by_partition"} if database.dialect == "sqlite" else set())


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_first_schema_was_frozen_from_the_tables(dialect: str) -> None:
    folder = Path(migrate.__file__).parent.parent / "migrations" / "versions"
    assert (folder / f"0001_schema.{dialect}.sql").read_text() == ";\n\n".join(
        ddl.statements(dialect)
    ) + ";\n"


def test_a_database_is_opened_again(database: Database, database_url: str) -> None:
    database.write(_put("a"))
    with Database.open(database_url) as again:
        assert _names(again) == ["a"]


def test_two_processes_may_migrate_at_once(database_url: str) -> None:
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(Database.open(database_url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 3
    for database in opened:
        database.close()


def test_a_newer_schema_is_refused(database: Database, database_url: str) -> None:
    database.write(
        lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(Misconfigured, match="newer release of Sojourn"):
        Database.open(database_url)


def test_a_part_of_a_schema_is_refused(database: Database, database_url: str) -> None:
    database.write(lambda connection: connection.execute(sa.text("DROP TABLE alembic_version")))
    with pytest.raises(Misconfigured, match="only partly restored or migrated"):
        Database.open(database_url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "SOJOURN_DATABASE_URL is no database URL"),
        ("mysql://x/y", "names 'mysql'"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:////no/such/folder/sojourn.db", "does not exist: /no/such/folder"),
    ],
)
def test_a_wrong_address_says_what_to_write(url: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        Database.open(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("not a database" * 1000)
    with pytest.raises(Misconfigured, match="no database of ours"):
        Database.open(f"sqlite:///{tmp_path}/a.db")


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Database.open(f"postgresql://nobody@/none?host={tmp_path}")


def test_more_than_fits_is_refused_and_told_to_come_back(database: Database) -> None:
    go_on = threading.Event()
    first = database.submit(lambda connection: go_on.wait(10))
    time.sleep(0.05)
    queued = [database.submit(lambda connection: None) for _ in range(2_000)]
    with pytest.raises(Unavailable) as refused:
        database.submit(_put("b"))
    assert refused.value.retry_after == 1
    assert database.backlog == 2_000
    told = database.submit(_put("a"), must=True)
    go_on.set()
    assert (first.result(), told.result(), database.backlog) == (True, "a", 0)
    assert all(one.done() for one in queued)


def test_what_is_broken_stops_all_writing(tmp_path: Path) -> None:
    told: list[BaseException] = []
    with Database.open(f"sqlite:///{tmp_path}/a.db", on_broken=told.append) as database:

        def fail(connection: Connection) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        before = database.submit(_put("a"))
        with pytest.raises(Unavailable):
            database.write(fail)
        with pytest.raises(Unavailable):
            database.submit(_put("b"))
        assert len(told) == 1
        assert before.done()


def test_a_work_that_meets_another_is_tried_again(database: Database) -> None:
    tried: list[int] = []

    def work(connection: Connection) -> int:
        tried.append(1)
        if len(tried) < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return len(tried)

    assert database.write(work) == 3


def test_the_bell_rings_after_the_commit(database: Database) -> None:
    bell = database.awake.subscribe()
    bell.clear()
    seen: list[list[str]] = []
    stop = database.awake.watch(lambda: seen.append(_names(database)))
    database.write(_put("a"))
    database.submit(_put("b"), wake=True).result()
    assert bell.wait(5)
    stop()
    database.write(_put("c"), wake=True)
    assert seen[0] == ["a", "b"]


def test_the_bell_is_heard_in_other_processes(postgres: PostgresServer, postgres_url: str) -> None:
    with Database.open(postgres_url) as one, Database.open(postgres_url) as other:
        bell = other.awake.subscribe()
        time.sleep(0.3)
        bell.clear()
        one.write(_put("a"), wake=True)
        assert bell.wait(5)


def test_time_is_the_databases(database: Database) -> None:
    times = [database.now() for _ in range(100)]
    assert times == sorted(times)
    assert abs(times[-1] - time.time_ns() // 1000) < 1_000_000


def test_time_may_be_given(database_url: str) -> None:
    with Database.open(database_url, clock=lambda: 77) as database:
        assert database.now() == 77
