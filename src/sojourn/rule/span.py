"""Spans and dates as people write them: `7 days`, `24 hours`, `3 months`, `2026-03-31`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from reprlib import repr as shown

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.tape.tape import LONG_AGO, Ints
from sojourn.tape.zones import instant

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LONGEST = 36_525 * DAY  # a hundred years: more is a mistake, and sums with instants stay far below 2**63

_MONTHS = {"month": 1, "mo": 1, "year": 12, "y": 12}
_DAYS = {"day": 1, "d": 1, "week": 7, "w": 7}
_MICROSECONDS = {
    **dict.fromkeys(("hour", "h"), HOUR),
    **dict.fromkeys(("minute", "min", "m"), MINUTE),
    **dict.fromkeys(("second", "sec", "s"), SECOND),
    **dict.fromkeys(("millisecond", "ms"), 1000),
    **dict.fromkeys(("microsecond", "us"), 1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PART = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]+)\s*(?:,|and\b)?", re.ASCII)


class Span(msgspec.Struct, frozen=True, tag="span"):
    """A length of time in three units that do not convert: a day is not always 24 hours on a clock."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    @property
    def length(self) -> int:
        """Microseconds, where a day is 24 hours, a month 30 days and twelve months 365.

        So a window measured back from now never jumps, as one of calendar months would.
        """
        years, months = divmod(self.months, 12)
        return (years * 365 + months * 30 + self.days) * DAY + self.microseconds

    def __str__(self) -> str:
        parts = [_counted(self.months, "month"), _counted(self.days, "day")]
        for unit in ("hour", "minute", "second", "millisecond", "microsecond"):
            size = _MICROSECONDS[unit]
            if self.microseconds % size == 0:
                parts.append(_counted(self.microseconds // size, unit))
                break
        return " ".join(part for part in parts if part)


def parse_span(data: object, place: str = "") -> Span:
    """The span that a text such as `2 weeks` means; Invalid if it is none, nothing or over 100 years."""
    if not isinstance(data, str):
        raise Invalid(
            f"must be a span of time with its unit, such as '7 days', not {shown(data)}", place=place
        )
    months, days, microseconds, end = 0, 0, Decimal(0), 0
    text = data.strip().lower()
    while end < len(text):
        part = _PART.match(text, end)
        if part is None:
            raise Invalid(f"{data!r} is no span of time; write it like '7 days' or '24 hours'", place=place)
        number, unit, end = Decimal(part[1]), _unit(part[2], place), part.end()
        months += _whole(number * _MONTHS.get(unit, 0), place)
        days += _whole(number * _DAYS.get(unit, 0), place)
        microseconds += number * _MICROSECONDS.get(unit, 0)
    span = Span(months, days, _whole(microseconds, place))
    if not 0 < span.length <= LONGEST:
        raise Invalid(f"{data!r} must be longer than nothing and at most 100 years", place=place)
    return span


def parse_date(data: object, place: str = "") -> str:
    """The ISO 8601 text of a date or date-time, given as such a text or as YAML read it.

    Raises Invalid if it is none.
    """
    text = data.isoformat() if isinstance(data, date) else data
    if not isinstance(text, str) or _wall(text) is None:
        raise Invalid(
            f"must be a date such as 2026-03-31 or 2026-03-31T18:00, not {shown(data)}", place=place
        )
    return str(text)


def instants(texts: Iterable[str], zone: str) -> Ints:
    """The instant each ISO date (its start) or date-time means, int64[k], LONG_AGO where it is none.

    What has no offset of its own is wall time in `zone`.
    """
    walls = [_wall(text) for text in texts]
    found = np.array([LONG_AGO if wall is None else wall[0] for wall in walls], np.int64)
    local = np.array([wall is not None and wall[1] for wall in walls], np.bool_)
    found[local] = instant(found[local], np.zeros(int(local.sum()), np.int32), (zone,))
    return found


def extent(text: str, zone: str) -> tuple[int, int]:
    """From when (included) to when (excluded) lasts what an ISO text names: a day, or one microsecond."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        begins = int(instants([text], zone)[0])
        return begins, begins + 1
    # The last day of all time has no next one: what lies beyond is not on any tape.
    ends = str(day + timedelta(days=1)) if day < date.max else str(day)
    begins, ends_at = instants([str(day), ends], zone)
    return int(begins), int(ends_at)


def _unit(text: str, place: str) -> str:
    known = {*_MONTHS, *_DAYS, *_MICROSECONDS}
    for unit in (text, text.removesuffix("s")):
        if unit in known:
            return unit
    close = get_close_matches(text, ("minutes", "hours", "days", "weeks", "months", "years"), n=1)
    hint = f"did you mean {close[0]!r}?" if close else "known: minutes, hours, days, weeks, months, years"
    raise Invalid(f"unknown unit {text!r}; {hint}", place=place)


def _whole(number: Decimal, place: str) -> int:
    if number != int(number):
        raise Invalid("days, weeks, months and years come whole; use hours for parts of a day", place=place)
    return int(number)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}" if number else ""


def _wall(text: str) -> tuple[int, bool] | None:
    """Microseconds since 1970, and whether they are a wall clock's, not UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    local = read.tzinfo is None
    return ((read.replace(tzinfo=UTC) if local else read) - _EPOCH) // timedelta(microseconds=1), local
