"""Mails that come in through the door: bounces of what we really sent, people who leave, and malice."""

from __future__ import annotations

import asyncio
import re
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from queue import Queue

import msgspec
import numpy as np
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Connection

from sojourn.api.mail import door
from sojourn.app import App, Settings, open_app
from sojourn.channel.seal import return_path
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.intake import Intake
from sojourn.store import customers, effects, log
from sojourn.store.definitions import journeys, settings, templates
from sojourn.store.effects import Planned, State
from sojourn.store.log import Offset
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.warm import warm

TWICE = """
journey: twice
enter: [{event: Signed Up}]
steps:
  first: {send: {template: hello, purpose: news}}
  answer:
    wait_for: [{event: Email Bounced, then: second}, {event: Unsubscribed, then: second}]
    at_most: 5 minutes
    otherwise: second
  second: {send: {template: hello, purpose: news}}
"""
EFFECT = 0xABCDEF12345678
HELLO = "{name: hello, channel: email, subject: Hello, text: Hello, from: us@shop.example}"

REPORT = """\
From: MAILER-DAEMON@mx.example
To: <{path}>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_x"

--=_x
Content-Type: text/plain

I am sorry.

--=_x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--=_x
Content-Type: text/rfc822-headers

Message-ID: {id}

--=_x--
"""


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with open_app(Settings(tmp_path, database_url, b"k" * 32)) as app:
        yield app


@pytest.fixture
def small(tmp_path: Path) -> Iterator[App]:
    """An installation on SQLite, where the store does not matter."""
    with open_app(Settings(tmp_path, f"sqlite:///{tmp_path}/sojourn.db", b"k" * 32)) as app:
        yield app


@contextmanager
def door_of(app: App) -> Iterator[int]:
    """The door of an installation, in a loop of its own; gives its port."""
    ports: Queue[int] = Queue()
    ended = threading.Event()

    async def run() -> None:
        parts = app.web("https://shop.example").state["parts"]
        async with door.listening(parts, "127.0.0.1", 0) as port:
            ports.put(port)
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield ports.get(timeout=10)
    finally:
        ended.set()
        thread.join()


class FarSide:
    """Somebody's mail server: some of its users are not there, some read and leave."""

    def __init__(self, door_port: int) -> None:
        self.mails: list[EmailMessage] = []
        self._door = door_port

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes) and envelope.mail_from
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        answer = self._bounce if "nobody" in envelope.rcpt_tos[0] else self._leave
        await asyncio.to_thread(answer, mail, envelope.mail_from, envelope.rcpt_tos[0])
        return "250 kept"

    def _bounce(self, mail: EmailMessage, path: str, recipient: str) -> None:
        report = REPORT.format(path=path, recipient=recipient, id=mail["Message-ID"])
        self._mail("", path, report)

    def _leave(self, mail: EmailMessage, _path: str, recipient: str) -> None:
        found = re.search(r"<mailto:([^>?]+)>", mail["List-Unsubscribe"])
        assert found
        for _ in range(2):  # people press twice
            self._mail(recipient, found[1], f"From: {recipient}\nTo: {found[1]}\n\n")

    def _mail(self, sender: str, to: str, text: str) -> None:
        with smtplib.SMTP("127.0.0.1", self._door, timeout=10) as client:
            client.sendmail(sender, [to], text.replace("\n", "\r\n"))


@contextmanager
def far_side(door_port: int) -> Iterator[tuple[FarSide, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    there = FarSide(door_port)
    controller = Controller(there, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield there, port
    finally:
        controller.stop()


def publish(app: App, port: int) -> None:
    now = app.database.now()

    def define(connection: Connection) -> None:
        channel = {
            "provider": "email_smtp",
            "settings": {"host": "127.0.0.1", "port": port, "security": "none"},
            "bounces": "in.shop.example",
            "mail_in": "in.shop.example",
        }
        settings.put(connection, "channels", {"email": channel})
        settings.put(connection, "policy", {"consent": {"news": "opt_out"}})
        templates.save(connection, "hello", HELLO, now)
        journeys.create(connection, "twice", TWICE, now)
        journeys.publish(connection, "twice", TWICE, now)

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
        properties={},
        traits={"email": f"{who}@example.org"},
    )


def told(app: App) -> list[tuple[str, dict[str, object]]]:
    """Names and properties of what the tapes tell, in order."""
    with app.database.reading() as connection:
        rows = log.read(connection, Offset(), 10_000)
    names = app.names.names(rows.names)
    pairs = zip(rows.names.tolist(), rows.properties, strict=True)
    return [(names[code], msgspec.json.decode(text) if text else {}) for code, text in pairs]


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_who_bounces_and_who_leaves_by_mail_gets_nothing_more(app: App) -> None:
    """Real mails to a real server, which sends back what comes back: by their tapes, once each."""
    warm()
    with door_of(app) as entrance, far_side(entrance) as (there, port):
        publish(app, port)
        intake = Intake(app.database, Books(app.names))
        with app.working("https://shop.example"):
            intake.take(Reading((signed_up(app, "nobody"), signed_up(app, "ada"))), "test").result()
            eventually(lambda: sum(name == "Message Suppressed" for name, _ in told(app)) == 2)
    assert sorted(mail["To"] for mail in there.mails) == ["ada@example.org", "nobody@example.org"]
    tale = told(app)
    (bounced,) = (said for name, said in tale if name == "Email Bounced")
    assert (bounced["address"], bounced["hard"], bounced["code"]) == ("nobody@example.org", True, "5.1.1")
    (left,) = (said for name, said in tale if name == "Unsubscribed")
    assert (left["source"], left["purpose"]) == ("unsubscribe mail", "news")
    reasons = {str(said["reason"]) for name, said in tale if name == "Message Suppressed"}
    assert len(reasons) == 2, reasons


@pytest.fixture
def sealed_path(small: App) -> str:
    """Where bounces of a mail come back to that went to ada."""
    return return_path(f"{EFFECT:016x}", small.publicly("").seal, "in.shop.example")


def sent(app: App) -> None:
    one = np.ones(1, np.int64)

    def write(connection: Connection) -> None:
        customer = customers.identify(connection, [("email", "ada@example.org")], 1).customers[:1]
        planned = Planned(
            keys=one * EFFECT, runs=one, versions=one, journeys=one, steps=one, customers=customer,
            partitions=customer % 64, channels=["email"], templates=["hello"], purposes=["news"],
            kinds=["send"], data=["{}"], planned=one, due=one,
        )  # fmt: skip
        effects.plan(connection, planned, one * int(State.ACCEPTED), [""])

    app.database.write(write)


@contextmanager
def talk(port: int) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP("127.0.0.1", port, timeout=10)
    try:
        client.ehlo()
        yield client
    finally:
        client.close()


def test_only_addresses_that_we_sealed_are_let_in(small: App, sealed_path: str) -> None:
    local = sealed_path.partition("@")[0]
    forged = [local[:-1] + ("0" if local[-1] != "0" else "1"), "postmaster", "b+", local[2:], f"x{local}"]
    with door_of(small) as port, talk(port) as client:
        client.mail("")
        for name in forged:
            assert client.rcpt(f"{name}@in.shop.example")[0] == 550
        assert client.docmd("DATA")[0] == 503
        assert client.rcpt(sealed_path.upper())[0] == 250
        assert client.rcpt(sealed_path)[0] == 452
        assert client.data(b"Subject: Hello\r\n\r\nNothing that concerns us.")[0] == 250
        for command in ("VRFY x", "AUTH PLAIN AA=="):
            with talk(port) as other:
                assert other.docmd(command)[0] >= 400
    assert told(small) == []


def test_lmtp_is_spoken_too(small: App, sealed_path: str) -> None:
    with door_of(small) as port, smtplib.LMTP("127.0.0.1", port) as client:
        assert client.sendmail("", [sealed_path], "Subject: Hello\r\n\r\n") == {}


def test_a_mail_is_taken_when_it_is_on_disk_and_not_before(small: App, sealed_path: str) -> None:
    """While the writer is held up there is no answer; a kill now would leave the mail with its server."""
    sent(small)
    let_go, held = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        held.set()
        let_go.wait(30)

    with door_of(small) as port, talk(port) as client:
        waiting = small.database.submit(hold)
        held.wait(10)
        client.mail("")
        client.rcpt(sealed_path)
        answer: Queue[int] = Queue()
        report = REPORT.format(path=sealed_path, recipient="ada@example.org", id="<x@y>").replace(
            "\n", "\r\n"
        )
        sending = threading.Thread(target=lambda: answer.put(client.data(report.encode())[0]))
        sending.start()
        time.sleep(0.3)
        assert answer.empty()
        assert told(small) == []
        let_go.set()
        assert answer.get(timeout=10) == 250
        sending.join()
        waiting.result()
        assert [name for name, _ in told(small)] == ["Email Bounced"]


def test_what_cannot_be_written_now_is_to_be_sent_again(small: App, sealed_path: str) -> None:
    sent(small)
    report = REPORT.format(path=sealed_path, recipient="ada@example.org", id="<x@y>")
    with door_of(small) as port, talk(port) as client:
        small.database.close()
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            client.sendmail("", [sealed_path], report.replace("\n", "\r\n"))
