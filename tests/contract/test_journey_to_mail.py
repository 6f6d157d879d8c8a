"""From an event to a delivered mail: the worker and the sender, a real SMTP server, on both stores."""

from __future__ import annotations

import email
import socket
import time
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path

import msgspec
import numpy as np
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from endpoint import Endpoint, calls
from sqlalchemy import Connection

from sojourn.app import App, Settings, open_app
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.intake import Intake
from sojourn.runtime.audit.auditor import audit
from sojourn.store import effects, log
from sojourn.store.definitions import journeys, settings, templates
from sojourn.store.effects import State
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.warm import warm

WELCOME = """
journey: welcome
enter: [{event: Signed Up}]
steps:
  hello: {send: {template: hello, purpose: transactional}}
"""

HELLO = """
name: hello
channel: email
subject: "Hello {{ customer.name }}"
body: "<p>Hello {{ customer.name }}, your plan is {{ event.plan }}. <a href='https://example.com/start'>Start</a></p>"
from: "Sojourn <us@example.com>"
"""


class Mailbox:
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.at: list[float] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.at.append(time.monotonic())
        return "250 kept"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    kept = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    warm()


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with open_app(Settings(tmp_path, database_url, b"k" * 32)) as app:
        yield app


def publish(app: App, port: int, text: str = WELCOME, rate: float = 0) -> None:
    now = app.database.now()

    def define(connection: Connection) -> None:
        channel = {
            "provider": "email_smtp",
            "settings": {"host": "127.0.0.1", "port": port, "security": "none"},
            "sender": "us@example.com",
            "rate": rate,
        }
        settings.put(connection, "channels", {"email": channel})
        templates.save(connection, "hello", HELLO, now)
        journeys.create(connection, "welcome", text, now)
        journeys.publish(connection, "welcome", text, now)

    app.database.write(define)


def signed_up(app: App, who: str) -> Event:
    now = app.database.now()
    return Event(
        key=hash_text(f"message {who}"),
        name="Signed Up",
        identities=(("user_id", who),),
        happened=now,
        received=now,
        origin=Origin.SERVER,
        properties={"plan": "gold"},
        traits={"email": f"{who}@example.org", "name": who.title()},
    )


def eventually(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_an_event_becomes_one_mail(app: App, mailbox: tuple[Mailbox, int]) -> None:
    kept, port = mailbox
    publish(app, port)
    intake = Intake(app.database, Books(app.names))
    people = [f"p{n}" for n in range(20)]
    with app.working("http://localhost:8000"):
        for _ in range(2):  # the second time is a client's retry
            intake.take(Reading(tuple(signed_up(app, who) for who in people)), "test").result()
        eventually(lambda: len(kept.mails) == len(people))
        eventually(lambda: _states(app) == {State.ACCEPTED: len(people)})
        time.sleep(0.3)
    assert sorted(mail["To"] for mail in kept.mails) == sorted(f"{who}@example.org" for who in people)
    body = kept.mails[0].get_body(("plain",))
    assert body is not None and "your plan is gold" in body.get_content()
    with app.database.reading() as connection:
        first = effects.of_customer(connection, 1)
    assert msgspec.json.decode(first.data[0])["step"] == "hello"
    assert np.all(first.attempts == 1)


def test_the_team_is_told_whatever_the_customer_allows(app: App, mailbox: tuple[Mailbox, int]) -> None:
    kept, port = mailbox
    told = WELCOME.replace("steps:", "steps:\n  tell: {notify: {template: hello, to: sales@example.org}}")
    publish(app, port, told)
    intake = Intake(app.database, Books(app.names))
    with app.working("http://localhost:8000"):
        intake.take(Reading((signed_up(app, "ada"),)), "test").result()
        eventually(lambda: len(kept.mails) == 2)
        eventually(lambda: _states(app) == {State.ACCEPTED: 2})
    assert sorted(mail["To"] for mail in kept.mails) == ["ada@example.org", "sales@example.org"]
    with app.database.reading() as connection:
        names = app.names.names(log.read(connection, log.Offset(), 1000).names)
    assert {"Notice Given", "Notice Sent", "Email Sent"} <= set(names.values())
    assert audit(app.history, app.publicly("http://localhost:8000").seal).violations == ()


def test_no_second_holds_more_than_the_rate(app: App, mailbox: tuple[Mailbox, int]) -> None:
    """P27, by the sink's own clock, over a restart."""
    kept, port = mailbox
    publish(app, port, rate=20)
    intake = Intake(app.database, Books(app.names))
    intake.take(Reading(tuple(signed_up(app, f"p{n}") for n in range(60))), "test").result()
    for wanted in (25, 60):
        with app.working("http://localhost:8000"):
            eventually(lambda wanted=wanted: len(kept.mails) >= wanted)
    assert len(kept.mails) == 60
    # A busy machine shifts arrivals by some tenths of a second, so a window is that much shorter.
    ahead = np.searchsorted(kept.at, np.array(kept.at) + 0.7)
    assert int((ahead - np.arange(60)).max()) <= 20


def test_an_endpoint_that_is_gone_closes_its_way(app: App) -> None:
    """410 disables (P32): what is planned stays planned, and is tried when a person opens the way again."""
    endpoint = Endpoint(410)
    calls(app, endpoint)
    intake = Intake(app.database, Books(app.names))
    intake.take(Reading(tuple(signed_up(app, f"p{n}") for n in range(3))), "test").result()
    with app.working("http://localhost:8000"):
        eventually(lambda: State.FAILED in _states(app))
        eventually(lambda: "410" in _closed(app))
        intake.take(Reading((signed_up(app, "later"),)), "test").result()
        eventually(lambda: sum(_states(app).values()) == 4)
        time.sleep(0.5)
        asked = len(endpoint.asked)
        assert asked == len(set(endpoint.asked)) == _states(app)[State.FAILED] <= 3
        endpoint.answer = 204
        calls_again = {"webhook": endpoint.chosen()}
        app.database.write(lambda c: settings.put(c, "channels", calls_again), wake=True)
        eventually(lambda: _states(app) == {State.FAILED: asked, State.ACCEPTED: 4 - asked}, 40)
    endpoint.close()
    assert len(endpoint.asked) == len(set(endpoint.asked)) == 4


def test_a_way_that_does_not_answer_delays_no_other(app: App, mailbox: tuple[Mailbox, int]) -> None:
    kept, port = mailbox
    endpoint = Endpoint(204)
    endpoint.free.clear()
    publish(app, port)
    calls(app, endpoint)
    intake = Intake(app.database, Books(app.names))
    with app.working("http://localhost:8000"):
        for n in range(1, 4):
            intake.take(Reading((signed_up(app, f"p{n}"),)), "test").result()
            eventually(lambda n=n: len(kept.mails) == n, 10)
        assert len(endpoint.asked) == 1
        endpoint.free.set()
        eventually(lambda: _states(app) == {State.ACCEPTED: 6})
    endpoint.close()


def test_mails_tell_times_in_the_zone_of_the_policy_where_none_is_known(
    app: App, mailbox: tuple[Mailbox, int]
) -> None:
    kept, port = mailbox
    publish(app, port)
    at = HELLO.replace("your plan is", "it is {{ '2026-01-01T12:00:00Z' | date: '%H:%M' }} now, your plan is")

    def define(connection: Connection) -> None:
        settings.put(connection, "policy", {"fallback_zone": "Asia/Tokyo"})
        templates.save(connection, "hello", at, 1)

    app.database.write(define)
    intake = Intake(app.database, Books(app.names))
    people = [signed_up(app, "ada"), signed_up(app, "bob"), signed_up(app, "eve")]
    zones = [{}, {"timezone": "Nowhere/Land"}, {"timezone": "europe/berlin"}]
    told = [
        msgspec.structs.replace(one, traits={**one.traits, **zone})
        for one, zone in zip(people, zones, strict=True)
    ]
    with app.working("http://localhost:8000"):
        intake.take(Reading(tuple(told)), "test").result()
        eventually(lambda: len(kept.mails) == 3)
    bodies = {mail["To"]: mail.as_string() for mail in kept.mails}
    times = {who: time for who, body in bodies.items() for time in ("21:00", "13:00") if time in body}
    assert times == {"ada@example.org": "21:00", "bob@example.org": "21:00", "eve@example.org": "13:00"}


def _closed(app: App) -> str:
    with app.database.reading() as connection:
        return str(settings.get(connection, "channels")["webhook"].get("closed", ""))


def _states(app: App) -> dict[State, int]:
    with app.database.reading() as connection:
        return effects.counts(connection)
