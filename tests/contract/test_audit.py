"""The auditor: silent about what is in order, and sure to find what was tampered with, on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.app import App, Settings, open_app
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin
from sojourn.ingest.event import Reading as Batch
from sojourn.ingest.intake import Intake
from sojourn.runtime.audit.auditor import examined
from sojourn.runtime.audit.reading import PATIENCE, Reading, Violation
from sojourn.runtime.dispatch.dispatcher import Dispatcher, Dispatching
from sojourn.runtime.dispatch.people import People
from sojourn.runtime.dispatch.ways import open_ways
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Resident
from sojourn.runtime.ticking.worker import Worker
from sojourn.store.definitions import journeys, settings, templates
from sojourn.tape.hashing import hash_text

WELCOME = """
journey: welcome
enter: [{event: Signed Up}]
steps:
  hello: {send: {template: hello, purpose: onboarding}}
  choice: {branch: [{if: {trait: plan, is: gold}, then: bye}], otherwise: pause}
  pause: {wait: 1 hour}
  bye: {leave: done}
"""
HELLO = "{name: hello, channel: console, text: 'Hello'}"
POLICY = {"consent": {"onboarding": "opt_out"}}


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    """Twenty customers in a journey, half of whom have left it, and what they were to be told sent."""
    with open_app(Settings(tmp_path, database_url, b"k" * 32)) as app:
        app.database.write(define)
        events = tuple(signed_up(app.database.now(), n) for n in range(20))
        Intake(app.database, Books(app.names)).take(Batch(events), "test").result()
        of_log = tapes_of_log(app.names)
        worker = Worker(app.database, Live(Resident(), app.names, of_log))
        while worker.tick().held:
            pass
        parts = Dispatching(
            app.database,
            People(app.database, of_log),
            app.names,
            worker.catalogue,
            open_ways({"console": {"provider": "console"}}),
            app.publicly("http://localhost"),
        )
        assert asyncio.run(Dispatcher(parts).round()) == 20
        while worker.tick().held:
            pass
        yield app


def define(connection: Connection) -> None:
    settings.put(connection, "policy", POLICY)
    templates.save(connection, "hello", HELLO, 1)
    journeys.create(connection, "welcome", WELCOME, 1)
    journeys.publish(connection, "welcome", WELCOME, 1)


def signed_up(now: int, n: int) -> Event:
    return Event(
        key=hash_text(f"message {n}"),
        name="Signed Up",
        identities=(("user_id", f"p{n}"),),
        happened=now,
        received=now,
        origin=Origin.SERVER,
        traits={"email": f"p{n}@example.org", "plan": "gold" if n % 2 else "free"},
    )


def test_nothing_is_wrong(app: App) -> None:
    found = app.audit()
    assert found.violations == ()
    assert found.figures["runs inside"] == found.figures["runs left"] == 10
    assert found.figures["messages accepted"] == 20


def test_nothing_is_wrong_when_part_of_the_log_is_at_rest(app: App) -> None:
    assert app.history.seal() > 0
    assert app.audit().violations == ()


TAMPERINGS = (
    ("I3", "UPDATE counts SET n = n + 1 WHERE what = 'visit' AND step = 0"),
    ("I3", "UPDATE counts SET n = n - 1 WHERE what = 'exit' AND step = 0"),
    ("I3", "DELETE FROM counts WHERE what = 'left'"),
    ("I7", "DELETE FROM runs WHERE id = (SELECT min(id) FROM runs)"),
    ("I2", "DELETE FROM effects WHERE key = (SELECT min(key) FROM effects)"),
    ("I2", "UPDATE effects SET key = key + 1 WHERE key = (SELECT min(key) FROM effects)"),
    ("I7", "DELETE FROM events WHERE run <> 0"),
    ("I2", "UPDATE effects SET intended = 0"),
    ("I2", "DELETE FROM messages"),
    ("I11", "UPDATE runs SET step = 9 WHERE reason = ''"),
    ("I11", "UPDATE versions SET state = 'closed'"),
    ("I4", "UPDATE runs SET due = 1 WHERE reason = ''"),
    ("I4", "UPDATE effects SET state = 0, due = 1"),
    ("I4", "UPDATE effects SET state = 2, lease = 1"),
    ("I4", "UPDATE partitions SET read_xid = 0, read_position = 0; UPDATE events SET received = 1"),
    (
        "I5",
        """INSERT INTO consents (customer, channel, purpose, state, at, source, proof)
        VALUES (1, 'console', '', 'withdrawn', 1, '', '{}')""",
    ),
)


class Undone(Exception):
    """Ends a transaction that is not to be kept."""


def test_what_was_tampered_with_is_found(app: App) -> None:
    def tampered(connection: Connection, statements: str, found: list[Violation]) -> None:
        for statement in statements.split(";"):
            connection.execute(sa.text(statement))
        found += examined(Reading(connection, app.history, b"", app.database.now(), PATIENCE)).violations
        raise Undone

    for invariant, statements in TAMPERINGS:
        found: list[Violation] = []
        with pytest.raises(Undone):
            app.database.write(partial(tampered, statements=statements, found=found))
        assert invariant in {one.invariant for one in found}, f"{statements} was not found: {found}"
    assert app.audit().violations == ()
