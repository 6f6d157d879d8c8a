"""Tells whether a customer did several things one after the other within a span, as known at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOL, EACH, INT, INTS, kernel
from sojourn.tape.kernels.search import each, stretch

if TYPE_CHECKING:
    from sojourn.tape.selection import Selection
    from sojourn.tape.tape import Bools, Ints


def chain(
    selection: Selection,
    links: Ints,
    length: int,
    rows: Ints,
    now: Ints | int,
    since: Ints | int,
    until: Ints | int,
    within: Ints | int,
) -> Bools:
    """Whether events with since <= time < until met by `now` make up all links in turn: bool[m].

    `links` holds for each selected event, as bits, which of the `length` (at most 62) links it may
    be.  Each is another event, later in the order (time, order); from the first to the last lie at
    most `within` µs.
    """
    asked = rows, each(now, rows), each(since, rows), each(until, rows), each(within, rows)
    return _chain(*selection.columns, links, length, *asked)


@kernel(INTS, INTS, INTS, BOOL, INTS, INT, EACH, EACH, EACH, EACH, EACH)
def _chain(
    starts: Ints,
    times: Ints,
    received: Ints,
    late: bool,
    links: Ints,
    length: int,
    rows: Ints,
    now: Ints,
    since: Ints,
    until: Ints,
    within: Ints,
) -> Bools:
    found = np.zeros(len(rows), np.bool_)
    begun = np.empty(length, np.int64)  # when the latest passage that has come to link j began
    for i in range(len(rows)):
        low, high = stretch(starts, times, received, late, rows[i], now[i], since[i], until[i])
        order = np.argsort(times[low:high], kind="mergesort") if late else np.arange(0)
        depth = 0
        for at in range(high - low):
            event = low + order[at] if late else low + at
            if late and not since[i] <= times[event] < until[i]:
                continue
            # From the last link down, so that one event never makes two links of one passage.
            for link in range(min(depth, length - 1), -1, -1):
                if not (links[event] >> link) & 1:
                    continue
                begin = times[event] if link == 0 else begun[link - 1]
                if times[event] - begin <= within[i]:
                    begun[link] = begin
                    depth = max(depth, link + 1)
            if depth == length:
                found[i] = True
                break
    return found
