"""Finds the stretch of events that a question is about: the part that most kernels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import inner

if TYPE_CHECKING:
    from sojourn.tape.tape import Ints


def each(value: Ints | int, rows: Ints) -> Ints:
    """The value for each of the rows: itself, or one for all without taking memory."""
    return np.broadcast_to(np.asarray(value, np.int64), rows.shape)


@inner
def at_least(values: Ints, low: int, high: int, bound: int) -> int:
    """The first index of values[low:high], which ascend, whose value is >= bound; else high."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def above(values: Ints, low: int, high: int, bound: int) -> int:
    """The first index of values[low:high], which ascend, whose value is > bound; else high."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] <= bound:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def stretch(
    starts: Ints, times: Ints, received: Ints, late: bool, row: int, now: int, since: int, until: int
) -> tuple[int, int]:
    """The shortest stretch that holds a row's events known at now with since <= time < until.

    It holds nothing else unless the events are late: then each must be looked at.
    """
    low = starts[row]
    high = above(received, low, starts[row + 1], now)
    if not late:
        low = at_least(times, low, high, since)
        high = at_least(times, low, high, until)
    return low, high
