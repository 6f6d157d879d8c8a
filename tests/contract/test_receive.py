"""`sojourn receive` as a mail server's pipe calls it: a process with one mail on its input, and its code."""

from __future__ import annotations

import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from sojourn.api.authority import MAIL, mint
from sojourn.app import open_app, settings
from sojourn.channel.seal import leaving_address, return_path
from sojourn.cli import serving
from sojourn.cli.serving import Serving
from sojourn.store import customers, effects
from sojourn.store.effects import Planned, State

COMMAND = Path(sys.executable).with_name("sojourn")
EFFECT = 0xABCDEF12345678
NOTE = b"From: MAILER-DAEMON@mx.example\r\nTo: us@shop.example\r\n\r\n550 5.1.1 no such user\r\n"
TRY_LATER = 75


class Sent:
    """A data folder from which one mail was sent, and the addresses that are sealed for it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with open_app(settings(data, environment={})) as app:
            self.key = app.database.write(lambda c: mint(c, "mail server", [MAIL], 1))[0]
            app.database.write(_send)
            seal = app.publicly("").seal
        self.path = return_path(f"{EFFECT:016x}", seal, "in.shop.example")
        self.leave = leaving_address(f"{EFFECT:016x}", seal, "in.shop.example")

    def told(self) -> list[str]:
        """The names of what the log holds, in order."""
        asked = "SELECT names.name FROM events JOIN names ON names.code = events.name ORDER BY position"
        with closing(sqlite3.connect(self.data / "sojourn.db")) as database:
            return [name for (name,) in database.execute(asked)]


def _send(connection: Connection) -> None:
    one = np.ones(1, np.int64)
    customer = customers.identify(connection, [("email", "ada@example.org")], 1).customers[:1]
    planned = Planned(
        keys=one * EFFECT, runs=one, versions=one, journeys=one, steps=one, customers=customer,
        partitions=customer % 64, channels=["email"], templates=["hello"], purposes=["news"],
        kinds=["send"], data=["{}"], planned=one, due=one,
    )  # fmt: skip
    effects.plan(connection, planned, one * int(State.ACCEPTED), [""])


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    return Sent(tmp_path)


def receive(mail: bytes, *words: str | Path) -> tuple[int, str]:
    """The code that it ends with, and what the mail server's log gets to read."""
    run = subprocess.run(
        [COMMAND, "receive", *words], input=mail, capture_output=True, timeout=60, check=False, env={}
    )
    assert run.stdout == b""
    return run.returncode, run.stderr.decode()


def test_mails_from_a_pipe_and_by_smtp_are_taken(sent: Sent, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f"{sent.key}\n")
    here = ("--data", sent.data)
    with served(sent.data) as (server, entrance):
        assert receive(b"Subject: Hello\n\nWho are you?\n", "--to", "us@shop.example", *here) == (0, "")
        assert receive(b"", *here) == (0, "")
        assert sent.told() == []
        assert receive(NOTE + b"x" * 30_000_000, f"--to={sent.path}", *here) == (0, "")
        assert sent.told() == ["Email Bounced"]
        there = ("--server", f"{server.url}/", "--key-file", key)
        mailed = (f"--to={sent.leave}", f"--to={sent.path}")
        assert receive(b"From: ada@example.org\n\n", *mailed, *there) == (0, "")
        assert sent.told() == ["Email Bounced", "Unsubscribed"]
        with smtplib.SMTP(*entrance, timeout=10) as client:
            client.sendmail("", [sent.path], NOTE.replace(b"5.1.1", b"5.1.2"))
        assert sent.told() == ["Email Bounced", "Unsubscribed", "Email Bounced"]


def test_what_a_person_can_mend_leaves_the_mail_with_its_server(sent: Sent, tmp_path: Path) -> None:
    to = f"--to={sent.path}"
    wrong = tmp_path / "wrong"
    wrong.write_text("sj_key_wrong")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        for words in (
            ("--data", sent.data),
            ("--data", tmp_path / "nowhere"),
            ("--server", away, "--key-file", wrong),
            ("--server", away, "--key-file", tmp_path / "missing"),
            ("--server", "nonsense", "--key-file", wrong),
        ):
            code, said = receive(NOTE, to, *words)
            assert (code, said.count("\n")) == (TRY_LATER, 1), said
            assert said.startswith("try again later: ")
    with served(sent.data) as (server, _):
        code, said = receive(NOTE, to, "--server", server.url, "--key-file", wrong)
        assert (code, "401" in said) == (TRY_LATER, True)
        assert receive(NOTE, to, "--server", server.url)[0] == TRY_LATER
    assert sent.told() == []


@pytest.mark.parametrize("mail_in", ["nonsense", "127.0.0.1", ":25", "127.0.0.1:x"])
def test_a_door_that_is_no_address_is_said_to_be_none(tmp_path: Path, mail_in: str) -> None:
    words: list[str | Path] = [
        COMMAND,
        "serve",
        "--data",
        tmp_path,
        "--port",
        str(_free_port()),
        "--mail-in",
        mail_in,
    ]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert "--mail-in: must be HOST:PORT" in run.stderr


def test_a_door_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door = f"127.0.0.1:{taken.getsockname()[1]}"
        words: list[str | Path] = [
            COMMAND,
            "serve",
            "--data",
            tmp_path,
            "--port",
            str(_free_port()),
            "--mail-in",
            door,
        ]
        run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 3
    assert door in run.stderr


def _served_in_vain(data: Path, mail_in: str) -> subprocess.CompletedProcess[str]:
    words = ("--port", str(_free_port()), "--mail-in", mail_in)
    return subprocess.run(
        [COMMAND, "serve", "--data", data, *words], capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def served(data: Path) -> Iterator[tuple[Serving, tuple[str, int]]]:
    """A `serve` of its own with a door for mail, which ends well when told to; and where the door is."""
    entrance = ("127.0.0.1", _free_port())
    words = ["--port", str(_free_port()), "--mail-in", f"{entrance[0]}:{entrance[1]}"]
    with subprocess.Popen([COMMAND, "serve", "--data", data, *words]) as process:
        try:
            end = time.monotonic() + 60
            while not (found := serving.running(data)):
                assert process.poll() is None and time.monotonic() < end, "it did not start"
                time.sleep(0.05)
            yield found, entrance
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
