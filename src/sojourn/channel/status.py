"""What an answer of a mail server says about the address: dead, full for now, or nothing at all."""

from __future__ import annotations

import enum
import re

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_SENDERS_FAULT = {7, 8, 9}  # X.1.7 and X.1.8 speak of the sender's address, X.1.9 of the next server
_MAILBOX_TROUBLE = {0, 1, 2}  # disabled, full; X.2.3 and X.2.4 speak of the message and of a list
_BARE_MAILBOX_TROUBLE = {"550", "551", "552", "553"}


class Standing(enum.Enum):
    """Where a refusal leaves the address."""

    DEAD = "dead"  # suppress it
    SOFT = "soft"  # suppress it after several in a row
    FINE = "fine"  # the refusal was about something else


def code_of(code: int, text: str) -> str:
    """The enhanced status code of an answer (RFC 3463), or its bare code if it has none of its class."""
    found = _ENHANCED.match(text)
    if found is None or found[1] != str(code)[:1]:
        return str(code)
    return ".".join(found.groups())


def standing(code: str) -> Standing:
    """What a refusal with this code says about the address it was for.

    5.1.x is dead (but for what it says of the sender), X.2.x soft.  A server without enhanced codes
    says 550 of unknown users and of blocked senders alike, so a bare one is soft.  Policy (5.7.x)
    and everything else is no fault of the address.
    """
    found = _ENHANCED.fullmatch(code)
    if found is None:
        return Standing.SOFT if code in _BARE_MAILBOX_TROUBLE else Standing.FINE
    kind, subject, detail = (int(part) for part in found.groups())
    if kind == 5 and subject == 1 and detail not in _SENDERS_FAULT:
        return Standing.DEAD
    return Standing.SOFT if subject == 2 and detail in _MAILBOX_TROUBLE else Standing.FINE
