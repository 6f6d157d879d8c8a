"""The database: migrations, group commit, reading, the bell and time, on both stores."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.errors import BrokenInvariant, Unavailable
from sojourn.store.database import Database
from sojourn.store.tables import settings


def _put(name: str, value: str = "1"):  # type: ignore[no-untyped-def]
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


def test_work_may_not_wait_for_work(database: Database) -> None:
    with pytest.raises(BrokenInvariant):
        database.write(lambda connection: database.write(_put("a")))
