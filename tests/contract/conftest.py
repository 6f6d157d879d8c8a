"""One suite, both stores: every contract test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from postgres_server import PostgresServer
from sojourn.store.database import Database

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server a session, with a migrated database `template` that others are copied from."""
    server = PostgresServer()
    server.execute("CREATE DATABASE template")
    Database.open(server.url("template"), writers=1).close()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A fresh, migrated database."""
    name = f"test{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of both kinds in turn."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/sojourn.db"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, empty database, of both kinds in turn."""
    with Database.open(database_url) as database:
        yield database


@pytest.fixture
def workers(database: Database, database_url: str) -> Iterator[list[Database]]:
    """Four processes' worth of one database; SQLite has one writing process, so there it is the same one."""
    if database.dialect == "sqlite":
        yield [database] * 4
        return
    with ExitStack() as stack:
        yield [database, *(stack.enter_context(Database.open(database_url)) for _ in range(3))]
