"""What a refusal means: when to try again, and what it says about the address."""

from __future__ import annotations

import enum
import re

import msgspec

from sojourn.tape.hashing import hash_text

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_LONGEST_JITTER = 0.1
"""Of each delay: what failed together does not come back together, and yet never early."""

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_SENDERS_FAULT = {7, 8, 9}  # X.1.7 and X.1.8 speak of the sender's address, X.1.9 of the next server
_MAILBOX_TROUBLE = {0, 1, 2}  # disabled, full; X.2.3 and X.2.4 speak of the message and of a list
_BARE_MAILBOX_TROUBLE = {"550", "551", "552", "553"}


class Standing(enum.Enum):
    """Where a refusal leaves the address."""

    DEAD = "dead"  # suppress it
    SOFT = "soft"  # suppress it after several in a row
    LEFT = "left"  # its owner wants no more of us there: consent is withdrawn
    FINE = "fine"  # the refusal was about something else


class Schedule(msgspec.Struct, frozen=True):
    """The delays after the first attempt, the second …, in microseconds.

    With `lasts` the last delay repeats until that long after the first attempt; without, each
    delay is waited once.
    """

    delays: tuple[int, ...]
    lasts: int = 0


MAIL = Schedule((MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR), lasts=72 * HOUR)
"""The early ones for greylisting, which lets one in after 1 to 15 minutes; mail servers settle at 4 hours."""

WEBHOOK = Schedule(
    (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
)
"""Standard Webhooks 1.0.0: ten attempts over 75 hours and 35 minutes."""

BRIEF = Schedule((30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR), lasts=12 * HOUR)
"""For text messages and notifications: tomorrow they are of no use."""


def next_attempt(
    schedule: Schedule, effect: str, attempts: int, *, first: int, now: int, retry_after: int = 0
) -> int | None:
    """The instant of the next attempt after `attempts` (from 1) have failed, or None to give up.

    `first` and `now` are the instants of the first and the last attempt, microseconds UTC.
    `retry_after` is what the far side asked for, in seconds; more than the longest delay is not
    believed.  The jitter is a hash of effect and attempt.
    """
    repeats = bool(schedule.lasts)
    if attempts > len(schedule.delays) and not repeats:
        return None
    if repeats and now >= first + schedule.lasts:
        return None
    delay = schedule.delays[min(attempts, len(schedule.delays)) - 1]
    share = hash_text(f"{effect}:{attempts}") / 2**63
    asked = min(retry_after * SECOND, max(schedule.delays))
    due = now + max(delay + int(delay * _LONGEST_JITTER * share), asked)
    return min(due, first + schedule.lasts) if repeats else due


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
