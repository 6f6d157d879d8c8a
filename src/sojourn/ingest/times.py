"""Reads instants as people and machines write them, and corrects those that a wrong clock stamped."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = 5 * 60 * 1_000_000  # microseconds a corrected clock may run ahead before it is flagged (P8)
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999
_SCALES = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))  # below: seconds, milli-, microseconds
_COMPACT = re.compile(r"\d{8}")  # YYYYMMDD; as an epoch it would be in the first years of counting


def instant(written: object) -> int | None:
    """Microseconds UTC of an ISO 8601 text, an RFC 2822 date, `YYYYMMDD`, or an epoch in s, ms or
    us told apart by size; None if it is none of them.  Without a zone it is taken as UTC."""
    if isinstance(written, str):
        return _from_text(written.strip())
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        return _from_number(written)
    return None


def corrected(original: int | None, sent: int | None, received: int) -> tuple[int, bool]:
    """When it happened by our clock, never after `received`, and whether it had to be pulled back.

    timestamp = receivedAt - (sentAt - originalTimestamp), as Segment does; without `sent` the
    original counts as it is, without an original it happened on receipt.
    """
    if original is None:
        return received, False
    happened = original if sent is None else received - (sent - original)
    if happened > received:
        return received, happened > received + _AHEAD
    return max(happened, _EARLIEST), False


def _from_number(number: float) -> int | None:
    for bound, scale in _SCALES:
        if abs(number) < bound:
            return _within(round(number * scale))
    return None


def _from_text(text: str) -> int | None:
    if text[4:5] != "-" and text.replace(".", "", 1).lstrip("-").isdecimal() and not _COMPACT.fullmatch(text):
        return _from_number(float(text) if "." in text else int(text[:32]))
    try:
        return _since_epoch(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return _from_mail_date(text)


def _from_mail_date(text: str) -> int | None:
    try:
        return _since_epoch(parsedate_to_datetime(text))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _since_epoch(when: datetime) -> int:
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _within(microseconds: int) -> int | None:
    return microseconds if _EARLIEST <= microseconds <= _LATEST else None
