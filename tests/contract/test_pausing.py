"""Pausing: nobody enters, moves or is written to; and what the pause was for those who waited."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_moving import until

from sojourn.app import App, Settings, open_app
from sojourn.errors import Conflict, Invalid
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.intake import Intake
from sojourn.runtime.audit.auditor import audit
from sojourn.runtime.publishing import publish as publishing
from sojourn.runtime.publishing.moving import Inside
from sojourn.runtime.publishing.pausing import archive, pause, resume
from sojourn.store import runs
from sojourn.store.definitions import journeys
from sojourn.store.runs import Runs
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.warm import warm
from sojourn.tape.tape import NEVER

JOURNEY = """
journey: course
enter: [{event: Joined}]
steps:
  long: {wait: 3 seconds}
  end:  {leave: passed}
"""
WAIT = 3_000_000


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm()


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with open_app(Settings(tmp_path, database_url, b"k" * 32)) as app:
        app.database.write(lambda c: publishing.publish(c, JOURNEY, app.database.now()))
        yield app


def _join(app: App, who: str) -> None:
    now = app.database.now()
    key, identities = hash_text(f"join {who}"), (("user_id", who),)
    event = Event(key, "Joined", identities, now, now, Origin.SERVER, {}, {})
    Intake(app.database, Books(app.names)).take(Reading((event,)), "test").result()


def _runs(app: App) -> Runs:
    with app.database.reading() as connection:
        return runs.of_journey(connection, journeys.find(connection, "course").id)


def _paused(app: App) -> int:
    with app.database.reading() as connection:
        return journeys.find(connection, "course").paused


@pytest.mark.parametrize("waits", ["keep counting", "stop the clock", "restart"])
def test_what_the_pause_was_for_those_who_waited(app: App, waits: str) -> None:
    with app.working("http://localhost"):
        _join(app, "ada")
        until(lambda: len(_runs(app)) == 1)
        (before,) = _runs(app).since.tolist()
        app.database.write(lambda c: pause(c, "course", app.database.now()))
        assert _runs(app).due.tolist() == [NEVER]
        _join(app, "bob")
        time.sleep(1.0)
        assert len(_runs(app)) == 1
        app.database.submit(lambda c: resume(c, "course", waits, app.database.now()), wake=True).result()
        resumed = app.database.now()
        until(lambda: _runs(app).due.tolist() not in ([NEVER], []) and _runs(app).seen.max() > before)
        time.sleep(0.3)
        (due,) = _runs(app).due.tolist()
        stopped = before + resumed - _paused(app)
        begins = {"keep counting": before, "stop the clock": stopped, "restart": resumed}
        assert due == pytest.approx(begins[waits] + WAIT, abs=300_000)
        until(lambda: len(_runs(app)) == 0)
    assert audit(app.history, app.publicly("http://localhost").seal).violations == ()


def test_what_cannot_be_is_said(app: App) -> None:
    with pytest.raises(Conflict, match="is not paused"):
        app.database.write(lambda c: resume(c, "course", "restart", 1))
    app.database.write(lambda c: pause(c, "course", app.database.now()))
    with pytest.raises(Conflict, match="is not live"):
        app.database.write(lambda c: pause(c, "course", 1))
    with pytest.raises(Invalid, match="keep counting, stop the clock, restart"):
        app.database.write(lambda c: resume(c, "course", "rest", app.database.now()))


def test_a_new_version_wakes_nobody(app: App) -> None:
    with app.working("http://localhost"):
        _join(app, "ada")
        until(lambda: len(_runs(app)) == 1)
        app.database.write(lambda c: pause(c, "course", app.database.now()))
        paused = _paused(app)
        app.database.write(lambda c: publishing.publish(c, JOURNEY, app.database.now()))
        time.sleep(0.3)
        assert (_runs(app).due.tolist(), _paused(app)) == ([NEVER], paused)
        resumed = lambda c: resume(c, "course", "keep counting", app.database.now())  # noqa: E731
        app.database.submit(resumed, wake=True).result()
        until(lambda: len(_runs(app)) == 0)


def test_an_archived_journey_is_at_rest(app: App) -> None:
    with app.working("http://localhost"):
        _join(app, "ada")
        until(lambda: len(_runs(app)) == 1)
        app.database.write(lambda c: archive(c, "course", app.database.now()))
        assert _runs(app).due.tolist() == [NEVER]
        _join(app, "ada again")
        time.sleep(0.5)
        assert len(_runs(app)) == 1
    assert audit(app.history, app.publicly("http://localhost").seal).violations == ()


def test_who_is_moved_while_all_rest_goes_on_with_the_others(app: App) -> None:
    longer = JOURNEY.replace("long:", "other:")
    with app.working("http://localhost"):
        _join(app, "ada")
        until(lambda: len(_runs(app)) == 1)
        app.database.write(lambda c: pause(c, "course", app.database.now()))
        inside = Inside("move", {"long": "other"})
        app.database.write(
            lambda c: publishing.publish(c, longer, app.database.now(), names=app.names, inside=inside)
        )
        time.sleep(0.3)
        assert (_runs(app).due.tolist(), len(_runs(app))) == ([NEVER], 1)
        going = lambda c: resume(c, "course", "keep counting", app.database.now())  # noqa: E731
        app.database.submit(going, wake=True).result()
        resumed = app.database.now()
        until(lambda: (_runs(app).due != NEVER).all() and (_runs(app).due > resumed + WAIT // 2).all())
        until(lambda: len(_runs(app)) == 0)
    assert audit(app.history, app.publicly("http://localhost").seal).violations == ()
