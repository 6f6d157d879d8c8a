"""The door for mail is bounded: sizes, lines, connections, silence, and two who come at once."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from test_mail_in import EFFECT, door_of, eventually, sent, talk, told

from sojourn.api.mail import door
from sojourn.api.visitors.consent import withdraw
from sojourn.app import App, Settings, open_app
from sojourn.channel.seal import return_path
from sojourn.message.tokens import Recipient
from sojourn.store.reach import consents


@pytest.fixture
def small(tmp_path: Path) -> Iterator[App]:
    """An installation on SQLite, where the store does not matter."""
    with open_app(Settings(tmp_path, f"sqlite:///{tmp_path}/sojourn.db", b"k" * 32)) as app:
        yield app


@pytest.fixture
def sealed_path(small: App) -> str:
    """Where bounces of a mail of ours come back to."""
    return return_path(f"{EFFECT:016x}", small.publicly("").seal, "in.shop.example")


def test_size_lines_and_connections_are_bounded(
    small: App, sealed_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 3)
    with door_of(small) as port:
        with talk(port) as client:
            assert client.mail("", [f"SIZE={door.LARGEST + 1}"])[0] == 552
            client.mail("")
            client.rcpt(sealed_path)
            assert client.data(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (door.LARGEST // 72))[0] == 552
        assert _cut_off(port, sealed_path, b"x" * 65_536)
        with talk(port), talk(port), talk(port), pytest.raises(smtplib.SMTPConnectError, match="421"):
            smtplib.SMTP("127.0.0.1", port, timeout=10)
        eventually(lambda: _is_let_in(port))


def test_who_says_nothing_is_hung_up_on(
    small: App, sealed_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LONGEST", 0.5)
    with door_of(small) as port, talk(port) as client:
        client.mail("")
        client.rcpt(sealed_path)
        client.docmd("DATA")
        assert client.sock is not None
        assert client.sock.recv(100) == b""


def _cut_off(port: int, to: str, chunk: bytes) -> bool:
    """Whether a line that never ends is, by us: the library would keep all of it."""
    with talk(port) as client:
        client.mail("")
        client.rcpt(to)
        client.docmd("DATA")
        assert client.sock is not None
        sent = 0
        try:
            while sent < 16 * door.MOST_OCTETS:
                client.sock.sendall(chunk)
                sent += len(chunk)
        except ConnectionError:
            return True
    return False


def _is_let_in(port: int) -> bool:
    try:
        with talk(port):
            return True
    except smtplib.SMTPException:
        return False


def test_who_unsubscribes_twice_at_once_does_so_once(postgres_url: str, tmp_path: Path) -> None:
    """By link and by mail, over two processes: the second waits for the first, and finds it done."""
    place = Settings(tmp_path, postgres_url, b"k" * 32)
    held, let_go = threading.Event(), threading.Event()
    with open_app(place) as one, open_app(place) as other:
        sent(one)
        named = Recipient(1, "email", "news", EFFECT)
        first, second = (app.web("https://shop.example").state["parts"] for app in (one, other))

        def begun(connection: Connection) -> None:
            withdraw(connection, first, named, "unsubscribe link")
            held.set()
            let_go.wait(30)

        beginning = one.database.submit(begun)
        held.wait(10)
        following = other.database.submit(lambda c: withdraw(c, second, named, "unsubscribe mail"))
        time.sleep(0.3)
        assert not following.done()
        let_go.set()
        beginning.result(), following.result()
        with one.database.reading() as connection:
            assert list(consents.of_customers(connection, [1]).states) == ["withdrawn"]
        assert [name for name, _ in told(one)] == ["Unsubscribed"]
