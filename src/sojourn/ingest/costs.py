"""Reads costs from CSV: channel, period, amount, currency, journey; a mistake is named by line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches

import msgspec

from sojourn.errors import Invalid
from sojourn.store.files.costs import UNIT, Cost

NEEDED = ("channel", "period", "amount", "currency")
COLUMNS = (*NEEDED, "journey")

_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,6}|,\d{1,2})?", re.ASCII)
_PERIOD = "a period: 2026, 2026-Q1, 2026-03, 2026-W10, 2026-03-15 or 2026-03-01/2026-03-15"
_MOST_LINES = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadLine(msgspec.Struct, frozen=True):
    """What is wrong in a line of the file, of which the header is line 1."""

    line: int
    column: str
    value: str
    why: str


def read(text: str, journeys: Collection[str]) -> tuple[list[Cost], list[BadLine]]:
    """The costs that a CSV file tells, and what is wrong in lines that are none, in order.

    A cost is of one of the `journeys`, or, where the column is empty, of none in particular.
    Raises Invalid where the file as a whole is none: its header, or its length.
    """
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        header = _header(next(lines, []))
        found, bad, known = list[Cost](), list[BadLine](), dict[tuple[object, ...], int]()
        for cells in lines:
            number = lines.line_num
            if number > _MOST_LINES:
                raise Invalid(f"has more than {_MOST_LINES:,} lines", line=number)
            if not any(cell.strip() for cell in cells):
                continue
            wrong, cost = _row(header, cells, number, journeys)
            if cost:
                same = (cost.journey, cost.channel, cost.begins, cost.ends, cost.currency)
                before = known.setdefault(same, number)
                if before != number:
                    wrong = [BadLine(number, "period", cost.period, f"is told in line {before} already")]
            bad += wrong
            found += [cost] if cost and not wrong else []
    except csv.Error as error:
        raise Invalid(f"is no CSV: {error}", line=lines.line_num) from error
    return found, bad


def period(text: str) -> tuple[int, int] | None:
    """From when (included) to when (excluded) a period lasts, microseconds UTC; None if it is none."""
    first, _, last = text.strip().upper().partition("/")
    begins, ends = _days(first), _days(last or first)
    if begins is None or ends is None or ends[1] <= begins[0]:
        return None
    return _instant(begins[0]), _instant(ends[1])


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for name in names:
        if name not in COLUMNS:
            close = get_close_matches(name, COLUMNS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f": there are {', '.join(COLUMNS)}"
            raise Invalid(f"is no column of costs{hint}", line=1, place=f"column {name!r}")
        if names.count(name) > 1:
            raise Invalid("is there twice", line=1, place=f"column {name!r}")
    for name in NEEDED:
        if name not in names:
            raise Invalid("is missing", line=1, place=f"column {name!r}")
    return names


def _row(
    header: list[str], cells: list[str], number: int, journeys: Collection[str]
) -> tuple[list[BadLine], Cost | None]:
    """The cost of one line, or what is wrong with it."""
    if len(cells) != len(header):
        return [BadLine(number, "", ";".join(cells)[:80], f"has {len(cells)} cells, not {len(header)}")], None
    told = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    wrong = [BadLine(number, column, told[column][:80], why) for column, why in _mistakes(told, journeys)]
    spell = period(told["period"])
    if wrong or spell is None:
        return wrong, None
    amount = int(Decimal(told["amount"].replace(",", ".")) * UNIT)
    cost = Cost(
        told.get("journey", ""),
        told["channel"].lower(),
        told["period"],
        told["currency"].upper(),
        *spell,
        amount,
    )
    return [], cost


def _mistakes(told: Mapping[str, str], journeys: Collection[str]) -> Iterator[tuple[str, str]]:
    """The columns that are wrong, and why."""
    if not 0 < len(told["channel"]) <= 100:
        yield "channel", "must be a name of at most 100 letters"
    if period(told["period"]) is None:
        yield "period", f"is not {_PERIOD}"
    if not _AMOUNT.fullmatch(told["amount"]):
        yield "amount", "is no amount such as 1200 or 1200.50 (without signs and separators of thousands)"
    if not re.fullmatch("[A-Za-z]{3}", told["currency"], re.ASCII):
        yield "currency", "is no currency such as EUR (ISO 4217)"
    if told.get("journey") and told["journey"] not in journeys:
        close = get_close_matches(told["journey"], journeys, n=1)
        yield "journey", f"is no journey{f'; did you mean {close[0]!r}?' if close else ''}"


def _days(text: str) -> tuple[date, date] | None:
    """The first day of a period, and the day after its last."""
    try:
        if found := re.fullmatch(r"(\d{4})", text, re.ASCII):
            year = int(found[1])
            return date(year, 1, 1), date(year + 1, 1, 1)
        if found := re.fullmatch(r"(\d{4})-(?:Q([1-4])|(\d\d))", text, re.ASCII):
            length = 3 if found[2] else 1
            month = 3 * int(found[2]) - 2 if found[2] else int(found[3])
            return _month(int(found[1]), month), _month(int(found[1]), month + length)
        if re.fullmatch(r"\d{4}-W\d\d", text, re.ASCII):
            monday = date.fromisoformat(f"{text}-1")
            return monday, monday + timedelta(days=7)
        day = date.fromisoformat(text)
        return day, day + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def _month(year: int, month: int) -> date:
    """The first day of a month; the thirteenth is the next year's first."""
    return date(year + month // 13, 1 if month == 13 else month, 1)


def _instant(day: date) -> int:
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
