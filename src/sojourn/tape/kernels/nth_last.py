"""Finds a customer's n-th latest event as known at an instant: the one whose age decides "n times within"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOL, EACH, INTS, kernel
from sojourn.tape.kernels.search import above, each

if TYPE_CHECKING:
    from sojourn.tape.selection import Selection
    from sojourn.tape.tape import Ints


def nth_last(selection: Selection, rows: Ints, now: Ints | int, n: Ints | int) -> Ints:
    """The n-th latest selected event, by time, of those met by `now`: int64[m] on the selection, or -1.

    n is 1 or more, 1 asks for the latest; of several at one time the one that we met last is the latest.
    """
    return _nth_last(*selection.columns, rows, each(now, rows), each(n, rows))


@kernel(INTS, INTS, INTS, BOOL, EACH, EACH, EACH)
def _nth_last(starts: Ints, times: Ints, received: Ints, late: bool, rows: Ints, now: Ints, n: Ints) -> Ints:
    found = np.full(len(rows), -1)
    for i in range(len(rows)):
        low = starts[rows[i]]
        high = above(received, low, starts[rows[i] + 1], now[i])
        if high - low < n[i]:
            continue
        found[i] = high - n[i]
        if late:
            found[i] = low + np.argsort(times[low:high], kind="mergesort")[high - low - n[i]]
    return found
