"""Tells whether a customer did one thing and then another within a span, as known at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOL, EACH, INTS, inner, kernel
from sojourn.tape.kernels.search import at_least, each, stretch

if TYPE_CHECKING:
    from sojourn.tape.selection import Selection
    from sojourn.tape.tape import Bools, Ints


def sequence(
    first: Selection,
    then: Selection,
    rows: Ints,
    now: Ints | int,
    since: Ints | int,
    until: Ints | int,
    within: Ints | int,
) -> Bools:
    """Whether some event of `first` is followed, at most `within` µs later, by one of `then`: bool[m].

    Both selections are of one tape; both events have since <= time < until and were met by `now`.
    What follows is later in the order (time, position): of two events at one time the one that we
    met later follows.
    """
    asked = rows, each(now, rows), each(since, rows), each(until, rows), each(within, rows)
    late = first.late or then.late
    return _sequence(*first.columns[:3], first.positions, *then.columns[:3], then.positions, late, *asked)


@kernel(INTS, INTS, INTS, INTS, INTS, INTS, INTS, INTS, BOOL, EACH, EACH, EACH, EACH, EACH)
def _sequence(
    starts: Ints,
    times: Ints,
    received: Ints,
    positions: Ints,
    then_starts: Ints,
    then_times: Ints,
    then_received: Ints,
    then_positions: Ints,
    late: bool,
    rows: Ints,
    now: Ints,
    since: Ints,
    until: Ints,
    within: Ints,
) -> Bools:
    found = np.zeros(len(rows), np.bool_)
    for i in range(len(rows)):
        low, high = stretch(starts, times, received, late, rows[i], now[i], since[i], until[i])
        begin, end = stretch(
            then_starts, then_times, then_received, late, rows[i], now[i], since[i], until[i]
        )
        window = since[i], until[i], within[i]
        after = then_times[begin:end], then_positions[begin:end]
        if late:
            order = low + np.argsort(times[low:high], kind="mergesort")
            found[i] = _followed((times[order], positions[order]), after, window)
        else:
            found[i] = _followed((times[low:high], positions[low:high]), after, window)
    return found


@inner
def _followed(first: tuple[Ints, Ints], then: tuple[Ints, Ints], window: tuple[int, int, int]) -> bool:
    """Whether an event of `then` is near enough to the last of `first` before it; `first` is in order."""
    times, positions = first
    since, until, within = window
    for event in range(len(then[0])):
        time, position = then[0][event], then[1][event]
        before = at_least(times, 0, len(times), time)
        while before < len(times) and times[before] == time and positions[before] < position:
            before += 1
        if not since <= time < until or before == 0:
            continue
        if times[before - 1] >= since and time - times[before - 1] <= within:
            return True
    return False
