"""Compares the values of many askings with what a rule names: numbers, dates and texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from sojourn.rule import texts
from sojourn.rule.definition import Comparison
from sojourn.rule.span import Span, extent, instants
from sojourn.tape.kernels.places import places
from sojourn.tape.memory import remembered
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Codes, Column, Floats, Ints

Element = TypeVar("Element", bound=np.generic)

LATEST_SECONDS = 253_402_300_800.0
"""The end of the year 9999, the last that a date can name: a number beyond it is no date."""


@dataclass(frozen=True, eq=False)
class Values:
    """One value of a column, or none, for each of m askings."""

    column: Column
    index: Ints  # int64[m], index into the column, -1 where none

    @cached_property
    def numbers(self) -> Floats:
        """float64[m], NaN where it is none."""
        return _taken(self.column.numbers, self.index, np.nan)

    @cached_property
    def codes(self) -> Codes:
        """int32[m], index into the column's texts, -1 where it is none."""
        return _taken(self.column.codes, self.index, -1)

    @property
    def known(self) -> Bools:
        """bool[m], where there is a value."""
        return (self.codes >= 0) | ~np.isnan(self.numbers)

    @property
    def has_numbers(self) -> bool:
        """Whether any value of the column is a number."""
        numbers = self.column.numbers
        return remembered(self.column, "has numbers", lambda: not np.isnan(numbers).all())


def values_at(column: Column, positions: Ints) -> Values:
    """The values that the events at these positions carry, int64[m]; none where the position is -1."""
    return Values(column, places(column.positions, positions))


def holds(comparisons: Iterable[Comparison], parts: Sequence[Values], now: Ints, zone: str) -> Bools:
    """Whether the value of each asking passes all comparisons: bool[m].

    An asking has its value in at most one of the parts; where it has none, only `exists: false`
    is true.  Dates without a zone are read in `zone`.
    """
    answer = np.ones(len(now), np.bool_)
    for comparison in comparisons:
        answer &= holds_one(comparison, parts, now, zone)
    return answer


def holds_one(comparison: Comparison, parts: Sequence[Values], now: Ints, zone: str) -> Bools:
    """Whether the value of each asking passes this comparison: bool[m]."""
    answer = np.zeros(len(now), np.bool_)
    for part in parts:
        if comparison.how == "exists":
            answer |= part.known
        elif _asks_for_date(comparison):
            answer |= passes_by_date(comparison, dates(part, zone), now, zone)
        else:
            if part.has_numbers:
                answer |= _passes_by_number(comparison, part.numbers)
            if part.column.texts:
                answer |= texts.passes(comparison, part.column, part.codes)
    return ~answer if comparison.how == "exists" and comparison.value is False else answer


def number_holds(comparisons: Iterable[Comparison], numbers: Floats) -> Bools:
    """Whether each number, float64[m], passes all comparisons: bool[m], false where it is NaN."""
    answer = np.ones(len(numbers), np.bool_)
    for comparison in comparisons:
        answer &= _passes_by_number(comparison, numbers)
    return answer


def next_change(comparisons: Iterable[Comparison], parts: Sequence[Values], now: Ints, zone: str) -> Ints:
    """When time alone next changes one of the comparisons: int64[m] > now, NEVER if none."""
    found = np.full(len(now), NEVER)
    for comparison in comparisons:
        if isinstance(comparison.value, Span):
            for part in parts:
                found = np.minimum(found, next_turn(comparison, dates(part, zone), now))
    return found


def passes_by_date(comparison: Comparison, when: Ints, now: Ints, zone: str) -> Bools:
    """Whether each instant, int64[m], passes a comparison of dates: bool[m], false where LONG_AGO."""
    if isinstance(comparison.value, Span):
        first, last = _range_by_now(comparison.how, comparison.value.length, now)
    else:
        first, last = _range_of_days(comparison, zone)
    passes: Bools = (when != LONG_AGO) & (first <= when) & (when <= last)
    return passes


def next_turn(comparison: Comparison, when: Ints, now: Ints) -> Ints:
    """When time alone next changes what passes_by_date answers: int64[m] > now, NEVER if it does not."""
    found = np.full(len(now), NEVER)
    if isinstance(comparison.value, Span):
        known = when != LONG_AGO
        for ahead in _turns(comparison.how, comparison.value.length):
            turn = np.where(known, when, 0) + ahead
            found = np.where(known & (turn > now), np.minimum(found, turn), found)
    return found


def dates(values: Values, zone: str) -> Ints:
    """The instant that each value means: int64[m], LONG_AGO where none.

    A text means an ISO date or date-time, a number the seconds since 1970.
    """
    compute = partial(instants, zone=zone)
    found = texts.each(values.column, values.codes, ("dates", zone), compute, LONG_AGO)
    if values.has_numbers:
        seconds = np.flatnonzero(np.abs(values.numbers) < LATEST_SECONDS)
        found[seconds] = np.rint(values.numbers[seconds] * 1e6).astype(np.int64)
    return found


def _taken(array: npt.NDArray[Element], index: Ints, absent: float) -> npt.NDArray[Element]:
    if not len(array):
        return np.full(len(index), absent, array.dtype)
    taken = array.take(index, mode="wrap")  # -1, the last, is written over
    taken[index < 0] = absent
    return taken


def _asks_for_date(comparison: Comparison) -> bool:
    value = comparison.value
    dates_between = comparison.how == "between" and isinstance(value, tuple) and isinstance(value[0], str)
    return dates_between or isinstance(value, Span) or comparison.how in ("before", "after")


def _range_by_now(how: str, length: int, now: Ints) -> tuple[Ints, Ints]:
    """The first and last instant that pass; at each asking's now just one of the four hows holds."""
    match how:
        case "within_last":
            return now - length, now
        case "within_next":
            return now + 1, now + length
        case "more_than_ago":
            return np.full(len(now), LONG_AGO), now - length - 1
        case _:
            return now + length + 1, np.full(len(now), NEVER)


def _turns(how: str, length: int) -> tuple[int, ...]:
    """How long after the date itself the answer of _range_by_now changes, in microseconds."""
    match how:
        case "within_last":
            return 0, length + 1
        case "within_next":
            return -length, 0
        case "more_than_ago":
            return (length + 1,)
        case _:
            return (-length,)


def _range_of_days(comparison: Comparison, zone: str) -> tuple[Ints, Ints]:
    """The first and last instant that pass; a date means its whole day, so `between` includes both."""
    value = comparison.value
    one, other = value if isinstance(value, tuple) else (value, value)
    begins, ends = extent(str(one), zone)[0], extent(str(other), zone)[1]
    match comparison.how:
        case "before":
            return _only(LONG_AGO), _only(begins - 1)
        case "after":
            return _only(ends), _only(NEVER)
        case _:
            return _only(begins), _only(ends - 1)


def _only(instant: int | np.int64) -> Ints:
    """The same instant for all askings."""
    return np.array([instant], np.int64)


def _passes_by_number(comparison: Comparison, numbers: Floats) -> Bools:
    value = comparison.value
    wanted = [float(one) for one in (value if isinstance(value, tuple) else (value,)) if _is_number(one)]
    passes: Bools
    match comparison.how:
        case "is" | "in":
            passes = np.isin(numbers, wanted)
        case "is_not":
            passes = ~np.isin(numbers, wanted) & ~np.isnan(numbers)
        case "between":
            passes = (numbers >= wanted[0]) & (numbers <= wanted[1])
        case "above" | "at_least" | "below" | "at_most":
            passes = _ORDERS[comparison.how](numbers, wanted[0])
        case _:
            passes = np.zeros(len(numbers), np.bool_)
    return passes


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, bool | int | float)


_ORDERS: dict[str, Callable[[Floats, float], Bools]] = {
    "above": np.greater,
    "at_least": np.greater_equal,
    "below": np.less,
    "at_most": np.less_equal,
}
