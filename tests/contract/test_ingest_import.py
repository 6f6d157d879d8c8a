"""Imports on both stores: each row once, whatever breaks off, and known customers stay who they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sojourn.errors import Invalid
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Origin
from sojourn.ingest.files.mapping import Mapping
from sojourn.ingest.importing import Imported, run
from sojourn.store import customers, log
from sojourn.store.database import Database
from sojourn.store.files import imports
from sojourn.store.log import Logged, Offset
from sojourn.store.names import Names

EVENTS = Mapping(customer="who", name="what", time="when")
ROWS = 25_000


@pytest.fixture
def books(database: Database) -> Books:
    return Books(Names(database.reading))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = (f"u{n % 700},E{n % 3},{1_700_000_000 + n},{n}\n" for n in range(ROWS))
    (tmp_path / "events.csv").write_text("who,what,when,n\n" + "".join(rows))
    return tmp_path / "events.csv"


def logged(database: Database) -> Logged:
    with database.reading() as connection:
        return log.read(connection, Offset(), 100_000)


def test_every_row_is_an_event_that_happened_when_it_says(
    database: Database, books: Books, path: Path
) -> None:
    told: list[tuple[int, int]] = []
    found = run(database, books, path, EVENTS, progress=lambda done, rows: told.append((done, rows)))
    assert found == Imported(rows=ROWS, events=ROWS, repeated=0, bad=0, resumed=0)
    assert told == [(10_000, ROWS), (20_000, ROWS), (25_000, ROWS)]
    rows = logged(database)
    assert len(rows) == ROWS
    assert set(rows.origins.tolist()) == {Origin.IMPORT}
    assert (rows.received == rows.happened).all()
    assert sorted(rows.happened.tolist()) == [(1_700_000_000 + n) * 10**6 for n in range(ROWS)]
    with database.reading() as connection:
        assert customers.count(connection) == 700


def test_the_same_file_again_adds_nothing(database: Database, books: Books, path: Path) -> None:
    run(database, books, path, EVENTS)
    moved = path.rename(path.with_name("moved.csv"))
    assert run(database, books, moved, EVENTS) == Imported(0, 0, 0, 0, resumed=ROWS)
    assert len(logged(database)) == ROWS


def test_the_same_file_read_otherwise_is_another_import(database: Database, books: Books, path: Path) -> None:
    run(database, books, path, EVENTS)
    run(database, books, path, Mapping(customer="who", name="=Seen", time="when"))
    assert len(logged(database)) == 2 * ROWS


class Stop(Exception):
    """The import is broken off here."""


def broken_off(after: int) -> Iterator[None]:
    for _ in range(after):
        yield
    raise Stop


def test_an_import_that_was_broken_off_goes_on(database: Database, books: Books, path: Path) -> None:
    steps = broken_off(1)
    with pytest.raises(Stop):
        run(database, books, path, EVENTS, progress=lambda done, rows: next(steps))
    found = run(database, Books(Names(database.reading)), path, EVENTS)
    assert found.resumed in (10_000, 20_000)
    assert found.rows == ROWS - found.resumed
    rows = logged(database)
    assert len(rows) == len(set(rows.keys.tolist())) == ROWS
    with database.reading() as connection:
        (only,) = imports.every(connection)
    assert (only.done, only.state) == (ROWS, "done")


def test_rows_that_are_stored_count_once_though_nobody_knows(
    database: Database, books: Books, path: Path
) -> None:
    run(database, books, path, EVENTS)
    with database.reading() as connection:
        (only,) = imports.every(connection)
    database.write(lambda connection: imports.advance(connection, only.id, 0, only.updated))
    assert run(database, books, path, EVENTS) == Imported(ROWS, 0, ROWS, 0, 0)
    assert len(logged(database)) == ROWS


def test_traits_know_people_by_their_addresses(database: Database, books: Books, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,email,plan\n1,ada@example.org,pro\n2,bob@example.org,free\n3,,free\n")
    assert run(database, books, path, Mapping(customer="id", traits=True)).events == 3
    with database.reading() as connection:
        asked = [
            ("user_id", "1"),
            ("email", "ada@example.org"),
            ("user_id", "2"),
            ("email", "bob@example.org"),
        ]
        ada, ada_mail, bob, bob_mail = customers.find(connection, asked).customers.tolist()
    assert ada == ada_mail != bob == bob_mail
    assert logged(database).traits[0] == '{"email":"ada@example.org","plan":"pro"}'


def test_a_file_that_cannot_be_read_is_no_import(database: Database, books: Books, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(Invalid, match="no column 'who'"):
        run(database, books, path, EVENTS)
    assert not len(logged(database))
