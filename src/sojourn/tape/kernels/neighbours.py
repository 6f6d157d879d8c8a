"""Finds the event that a customer's stream brings next after an instant, and the one it brought last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import EACH, INTS, kernel
from sojourn.tape.kernels.search import above, each

if TYPE_CHECKING:
    from sojourn.tape.selection import Selection
    from sojourn.tape.tape import Ints


def next_after(selection: Selection, rows: Ints, after: Ints | int) -> Ints:
    """The first selected event met after the instant: int64[m] on the selection, or -1."""
    return _next_after(selection.starts, selection.received, rows, each(after, rows))


def last_before(selection: Selection, rows: Ints, now: Ints | int) -> Ints:
    """The latest selected event met by the instant: int64[m] on the selection, or -1."""
    return _last_before(selection.starts, selection.received, rows, each(now, rows))


@kernel(INTS, INTS, EACH, EACH)
def _next_after(starts: Ints, received: Ints, rows: Ints, after: Ints) -> Ints:
    found = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        end = starts[rows[i] + 1]
        event = above(received, starts[rows[i]], end, after[i])
        found[i] = event if event < end else -1
    return found


@kernel(INTS, INTS, EACH, EACH)
def _last_before(starts: Ints, received: Ints, rows: Ints, now: Ints) -> Ints:
    found = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        start = starts[rows[i]]
        event = above(received, start, starts[rows[i] + 1], now[i])
        found[i] = event - 1 if event > start else -1
    return found
