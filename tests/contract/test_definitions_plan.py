"""A plan is a publishing that is undone: on both stores it says what will be, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_rows import NOW

from sojourn.errors import Conflict, Invalid
from sojourn.lake.folder import Folder
from sojourn.runtime.backtest import Question
from sojourn.runtime.definitions.kind import File, Name, read_all
from sojourn.runtime.definitions.plan import Wanted, plan
from sojourn.runtime.definitions.publish import held, publish, state
from sojourn.runtime.history import History
from sojourn.store.database import Database
from sojourn.store.definitions import journeys, stamp
from sojourn.store.names import Names

SEGMENT = File("s.yaml", "segment: all\nrule: {trait: plan, exists: true}\n")
TEMPLATE = File("t.yaml", "name: hello\nsubject: Hello\ntext: Hello\n")
JOURNEY = File(
    "j.yaml", "journey: x\nenter: [{event: A}]\nsteps: {a: {send: {template: hello, purpose: b}}}\n"
)


@pytest.fixture
def history(database: Database, tmp_path: Path) -> History:
    """The history of an installation in which nothing has happened."""
    return History(database, Folder.local(tmp_path / "lake"), Names(database.reading))


def published(database: Database, *files: File, gone: tuple[Name, ...] = ()) -> None:
    read = read_all(files)
    database.write(lambda connection: publish(connection, read, gone, NOW))


def test_a_plan_leaves_nothing_behind(database: Database, history: History) -> None:
    wanted = Wanted((JOURNEY, SEGMENT, TEMPLATE), question=Question(until=NOW))
    made = plan(database, history, wanted)
    assert [(one.kind, one.what) for one in made.definitions] == [
        *(("segment", "new"), ("template", "new"), ("journey", "new"))
    ]
    with database.reading() as connection:
        assert (held(connection), stamp.stamp(connection), journeys.every(connection)) == ({}, 0, [])
        assert made.state == state({})
    published(database, JOURNEY, SEGMENT, TEMPLATE)
    assert plan(database, history, wanted).definitions == ()


def test_what_was_planned_is_published_only_as_long_as_nothing_else_was(
    database: Database, history: History
) -> None:
    made = plan(database, history, Wanted((SEGMENT,)))
    published(database, TEMPLATE)
    read = read_all([SEGMENT])
    with pytest.raises(Conflict):
        database.write(lambda connection: publish(connection, read, (), NOW, made.state))
    with database.reading() as connection:
        assert list(held(connection)) == [Name("template", "hello")]


def test_a_failure_on_the_way_undoes_what_came_before_it(database: Database) -> None:
    published(database, JOURNEY, TEMPLATE)
    with pytest.raises(Invalid, match="still needed"):
        published(database, SEGMENT, gone=(Name("template", "hello"),))
    with database.reading() as connection:
        assert Name("segment", "all") not in held(connection)


def test_a_journey_that_was_taken_away_comes_back_with_its_versions(database: Database) -> None:
    published(database, TEMPLATE, JOURNEY)
    published(database, gone=(Name("journey", "x"),))
    with database.reading() as connection:
        assert Name("journey", "x") not in held(connection)
    published(database, JOURNEY)
    with database.reading() as connection:
        found = journeys.find(connection, "x")
        assert (found.state, len(journeys.of_journey(connection, found.id))) == ("live", 2)
