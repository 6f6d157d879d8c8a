"""Sums up a number that a customer's events carry within a window of time, as known at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOL, EACH, FLOATS, INTS, kernel
from sojourn.tape.kernels.search import each, stretch

if TYPE_CHECKING:
    from sojourn.tape.selection import Selection
    from sojourn.tape.tape import Floats, Ints


def tally(
    selection: Selection,
    values: Floats,
    rows: Ints,
    now: Ints | int,
    since: Ints | int,
    until: Ints | int,
) -> tuple[Floats, Floats, Floats, Ints]:
    """Sum, least, greatest (float64[m]) and count (int64[m]) of the values (float64[k]) that are not NaN.

    Of selected events with since <= time < until met by `now`.  Of no values the sum is 0, the
    least and the greatest are NaN.
    """
    window = each(now, rows), each(since, rows), each(until, rows)
    return _tally(*selection.columns, values, rows, *window)


@kernel(INTS, INTS, INTS, BOOL, FLOATS, EACH, EACH, EACH, EACH)
def _tally(
    starts: Ints,
    times: Ints,
    received: Ints,
    late: bool,
    values: Floats,
    rows: Ints,
    now: Ints,
    since: Ints,
    until: Ints,
) -> tuple[Floats, Floats, Floats, Ints]:
    sums, counts = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    least, greatest = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for i in range(len(rows)):
        low, high = stretch(starts, times, received, late, rows[i], now[i], since[i], until[i])
        for event in range(low, high):
            value = values[event]
            if np.isnan(value) or (late and not since[i] <= times[event] < until[i]):
                continue
            sums[i] += value
            counts[i] += 1
            if counts[i] == 1 or value < least[i]:
                least[i] = value
            if counts[i] == 1 or value > greatest[i]:
                greatest[i] = value
    return sums, least, greatest, counts
