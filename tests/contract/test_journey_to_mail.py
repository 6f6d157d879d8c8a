"""From an event to a delivered mail: the worker and the sender, a real SMTP server, on both stores."""

from __future__ import annotations

import base64
import email
import socket
import time
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import numpy as np
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Connection

from sojourn.app import App, Settings, open_app
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.intake import Intake
from sojourn.store import effects
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


def publish(app: App, port: int, rate: float = 0) -> None:
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
        journeys.create(connection, "welcome", WELCOME, now)
        journeys.publish(connection, "welcome", WELCOME, now)

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
    """410 disables (P32): what is planned stays planned, and nothing more is tried."""
    asked: list[str] = []

    class Gone(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["webhook-id"])
            self.send_response(410)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Gone)
    Thread(target=server.serve_forever, daemon=True).start()
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    endpoint = {
        "url": f"http://127.0.0.1:{server.server_port}/",
        "secrets": [secret],
        "connections": 1,
        "allowed": {"loopback": True},
    }
    chosen = {"provider": "webhook", "settings": endpoint}
    template = "name: hello\nchannel: webhook\npurpose: transactional\npayload: {who: '{{ customer.name }}'}"

    def define(connection: Connection) -> None:
        settings.put(connection, "channels", {"webhook": chosen})
        templates.save(connection, "hello", template, 1)
        journeys.create(connection, "welcome", WELCOME, 1)
        journeys.publish(connection, "welcome", WELCOME, 1)

    app.database.write(define)
    intake = Intake(app.database, Books(app.names))
    intake.take(Reading(tuple(signed_up(app, f"p{n}") for n in range(3))), "test").result()
    with app.working("http://localhost:8000"):
        eventually(lambda: State.FAILED in _states(app))
        time.sleep(1)
    server.shutdown()
    server.server_close()
    with app.database.reading() as connection:
        assert "410" in settings.get(connection, "channels")["webhook"]["closed"]
    assert len(asked) == len(set(asked))
    assert _states(app).get(State.FAILED, 0) == len(asked)


def _states(app: App) -> dict[State, int]:
    with app.database.reading() as connection:
        return effects.counts(connection)
