"""Finds a customer's first and last event within a window of time, as known at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOL, EACH, INTS, kernel
from sojourn.tape.kernels.search import each, stretch

if TYPE_CHECKING:
    from sojourn.tape.selection import Selection
    from sojourn.tape.tape import Ints


def first(selection: Selection, rows: Ints, now: Ints | int, since: Ints | int, until: Ints | int) -> Ints:
    """The earliest selected event with since <= time < until met by `now`: int64[m] on the selection, or -1.

    Of several at one time the one that we met first.
    """
    return _first(*selection.columns, rows, each(now, rows), each(since, rows), each(until, rows))


def last(selection: Selection, rows: Ints, now: Ints | int, since: Ints | int, until: Ints | int) -> Ints:
    """The latest selected event with since <= time < until met by `now`: int64[m] on the selection, or -1.

    Of several at one time the one that we met last.
    """
    return _last(*selection.columns, rows, each(now, rows), each(since, rows), each(until, rows))


@kernel(INTS, INTS, INTS, BOOL, EACH, EACH, EACH, EACH)
def _first(
    starts: Ints, times: Ints, received: Ints, late: bool, rows: Ints, now: Ints, since: Ints, until: Ints
) -> Ints:
    found = np.full(len(rows), -1)
    for i in range(len(rows)):
        low, high = stretch(starts, times, received, late, rows[i], now[i], since[i], until[i])
        if not late:
            found[i] = low if low < high else -1
            continue
        for event in range(low, high):
            if since[i] <= times[event] < until[i] and (found[i] < 0 or times[event] < times[found[i]]):
                found[i] = event
    return found


@kernel(INTS, INTS, INTS, BOOL, EACH, EACH, EACH, EACH)
def _last(
    starts: Ints, times: Ints, received: Ints, late: bool, rows: Ints, now: Ints, since: Ints, until: Ints
) -> Ints:
    found = np.full(len(rows), -1)
    for i in range(len(rows)):
        low, high = stretch(starts, times, received, late, rows[i], now[i], since[i], until[i])
        if not late:
            found[i] = high - 1 if low < high else -1
            continue
        for event in range(low, high):
            if since[i] <= times[event] < until[i] and (found[i] < 0 or times[event] >= times[found[i]]):
                found[i] = event
    return found
