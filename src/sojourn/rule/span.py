"""Spans of time as people write them: `7 days`, `24 hours`, `1 day 12 hours`, `3 months`."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from sojourn.errors import Invalid

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
        raise Invalid(f"must be a span of time with its unit, such as '7 days', not {data!r}", place=place)
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


def _unit(text: str, place: str) -> str:
    known = {*_MONTHS, *_DAYS, *_MICROSECONDS}
    for unit in (text, text.removesuffix("s")):
        if unit in known:
            return unit
    raise Invalid(f"unknown unit {text!r}; known: minutes, hours, days, weeks, months, years", place=place)


def _whole(number: Decimal, place: str) -> int:
    if number != int(number):
        raise Invalid("days, weeks, months and years come whole; use hours for parts of a day", place=place)
    return int(number)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}" if number else ""
