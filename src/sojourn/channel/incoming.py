"""Reads mails that came in, as far as feedback needs, whoever wrote them however badly."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message

LONGEST = 1024 * 1024
"""Octets that are looked at: reports quote the head of a mail, and what comes after it tells nothing."""

_EMPTY_LINE = re.compile(r"\n[ \t]*\r?\n")
_DEEPEST = 20  # a report nests three deep, one that was forwarded a few times nine


def opened(raw: bytes) -> Message | None:
    """The mail, or None if it is nested so deeply that only malice explains it."""
    try:
        return email.message_from_bytes(raw[:LONGEST])
    except RecursionError:
        return None


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
    for name in ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Original-Recipient"):
        yield " ".join(map(str, message.get_all(name, [])))
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


def _written(message: Message) -> str:
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), "", text_of(message)])
