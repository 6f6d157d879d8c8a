"""Mails that are made to cost us much: a megabyte of next to nothing is read in no time, or not at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channel.incoming import LONGEST, MOST_LINES, delivered, opened, recipients
from sojourn.channel.providers.email_smtp import feedback
from sojourn.channel.seal import leaving_address, leaving_effect, return_path

KEY = b"a key of the installation, 32 b."
EFFECT = "0123456789abcdef"
HEAD = f"To: {return_path(EFFECT, KEY, 'in.example')}\r\nFrom: MAILER-DAEMON@x\r\n".encode()
REPORT = b"Content-Type: multipart/report; boundary=b\r\n\r\n"
STATUS = REPORT + b"--b\nContent-Type: message/delivery-status\n\n"
LARGE = 1024 * 1024


def _filled(start: bytes, unit: bytes) -> bytes:
    return HEAD + start + unit * (LARGE // len(unit))


def _nested(depth: int) -> bytes:
    """So many parts in each other, each of which looks for its end in every line."""
    levels = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return _filled(b"".join(levels), b"--\n")


BOMBS = {
    "parts": _filled(REPORT, b"--b\n\n"),
    "blocks": _filled(STATUS, b"a:b\n\n"),
    "recipients": _filled(STATUS, b"Action: failed\n\n"),
    "fields": _filled(b"", b"a:\n"),
    "fields that are read": _filled(b"", b"To:\n"),
    "mails in mails": _filled(b"", b"Content-Type: message/rfc822\n\n"),
    "parameters": _filled(b"Content-Type: multipart/x", b'; boundary*1*="x"'),
    "seals": _filled(b"\r\n", f"{EFFECT}={'0' * 32} ".encode()),
    **{f"nested {depth} deep": _nested(depth) for depth in (60, 300, 3000)},
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_what_is_made_to_take_long_does_not(bomb: bytes) -> None:
    """Without limits some of these took 5 to 35 seconds of a core, and gave 70,000 reports of one mail."""
    began = time.process_time()
    assert len(feedback(bomb, [KEY])) <= 20
    recipients(bomb)
    assert time.process_time() - began < 3


@given(st.integers(1, 30), st.integers(0, 2000))
def test_no_more_is_looked_at_than_the_limits_say(line: int, lines: int) -> None:
    message = opened(b"Subject: x\n\n" + (b"y" * line + b"\n") * (lines + MOST_LINES) + b"z" * LONGEST)
    assert message is not None
    seen = str(message.get_payload())
    assert seen.count("\n") <= MOST_LINES - 2
    assert "z" not in seen


@given(st.lists(st.text(max_size=400), max_size=3), st.binary(max_size=300))
def test_nobody_writes_headers_by_an_envelope(to: list[str], raw: bytes) -> None:
    """Whatever the recipients are, what follows them is the mail as it came."""
    whole = delivered(raw, to)
    noted = whole.removesuffix(raw).decode()
    lines = noted.split("\r\n")[:-1]
    assert len(lines) <= len(to)
    assert all(line.startswith("X-Original-To: ") and line[15:] in to for line in lines)


def test_where_a_mail_went_to_is_read_of_its_own_headers_alone() -> None:
    address = leaving_address(EFFECT, KEY, "in.example")
    for mail in (
        f"From ada Sat Nov 21 2026\nDelivered-To: {address}\n\n",
        f"To: Somebody <{address.upper()}>,\n us@in.example\n\n",
        f"To: x\nX-Original-To: {address}\n\n",
    ):
        assert leaving_effect([recipients(mail.encode())], [KEY]) == EFFECT
    for mail in (
        f"To: x\nCc: {address}\nSubject: {address}\n\n",
        f"To: x\n\nTo: {address}\n",
        f"Content-Type: message/rfc822\n\nTo: {address}\n\n",
        f"List-Unsubscribe: <mailto:{address}>\n\n",
    ):
        assert leaving_effect([recipients(mail.encode())], [KEY]) == ""
