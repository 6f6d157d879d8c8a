"""Reads mails that came in, as far as feedback needs, whoever wrote them however badly."""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from io import BytesIO
from itertools import islice

LONGEST, MOST_LINES = 256 * 1024, 4_000
"""Octets and lines that are looked at: reports stand before what they quote, and take a page or two.

Malice makes much work of little: 100,000 parts of a few octets, or 300 of them in each other, take half
a minute to take apart.  What fits into this is read within half a second, whatever it is.
"""

_RECIPIENTS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Original-Recipient")
_ADDRESS = re.compile(r"[!-~]{1,320}")
_EMPTY_LINE = re.compile(r"\n[ \t]*\r?\n")
_DEEPEST = 20  # a report nests three deep, one that was forwarded a few times nine


def delivered(raw: bytes, to: Iterable[str]) -> bytes:
    """The mail with the recipients of its envelope at its head, as mail servers note them when they deliver.

    What is no address is left out, so nobody writes further headers by it.
    """
    noted = "".join(f"X-Original-To: {one}\r\n" for one in to if _ADDRESS.fullmatch(one))
    return noted.encode() + raw


def opened(raw: bytes) -> Message | None:
    """The mail, or None if it is nested so deeply that only malice explains it."""
    try:
        return email.message_from_bytes(_looked_at(raw))
    except RecursionError:
        return None


def recipients(raw: bytes) -> str:
    """Where the mail was sent to, by its own headers alone: what it quotes or carries is not asked."""
    return next(texts(BytesHeaderParser().parsebytes(_looked_at(raw))))


def header(message: Message, name: str) -> str:
    """The first header of that name, unfolded; empty if there is none."""
    return " ".join(str(message.get(name, "")).split())


def blocks(part: Message) -> list[Message]:
    """The blocks of fields of a report, which the standard library takes apart or not, by its type."""
    payload = part.get_payload()
    pieces = payload if isinstance(payload, list) else [part]
    whole = "\n\n".join(_written(piece) for piece in pieces if isinstance(piece, Message))
    return [email.message_from_string(block) for block in _EMPTY_LINE.split(whole) if block.strip()]


def texts(message: Message) -> Iterator[str]:
    """All that a mark may stand in, the surest first: where it was sent to, reports, then what is quoted."""
    yield " ".join(str(value) for name in _RECIPIENTS for value in message.get_all(name, []))
    for part in parts(message):
        yield _written(part)


def parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """The message and all within it, from the outside in."""
    yield message
    payload = message.get_payload()
    if isinstance(payload, list) and depth < _DEEPEST:
        for part in payload:
            if isinstance(part, Message):
                yield from parts(part, depth + 1)


def text_of(part: Message) -> str:
    """What is written in a part that has no parts, decoded; bytes that no charset explains are replaced."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return payload.decode("utf-8", "replace")


def _looked_at(raw: bytes) -> bytes:
    return b"".join(islice(BytesIO(raw[:LONGEST]), MOST_LINES))


def _written(message: Message) -> str:
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), "", text_of(message)])
