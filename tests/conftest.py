"""What all tests share: the two stores, where kernels are kept, and how Hypothesis searches.

Every test that asks for `database` runs on SQLite and on PostgreSQL.

`make test` draws the same examples every time, so a red build is red again; a wider search is
`HYPOTHESIS_PROFILE=explore make test`.  No deadline: the first call of a kernel may compile it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from postgres_server import PostgresServer
from sojourn import kernel_cache

kernel_cache.choose()

from sojourn.store.database import Database  # noqa: E402 - imports Numba, which reads where the cache is

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore", parent=settings.get_profile("house"), derandomize=False, max_examples=1000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

_numbers = count(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have recorded."""
    for report in terminalreporter.getreports("passed"):
        for name, figures in report.user_properties:
            terminalreporter.write_line(f"{name}: {figures}")


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
