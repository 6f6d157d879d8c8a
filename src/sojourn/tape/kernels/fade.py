"""Adds up points that fade with a half-life, and tells when time alone takes their sum across a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import (
    BOOL,
    CODES,
    EACH,
    FLOAT,
    FLOAT_TABLE,
    FLOATS,
    INT,
    INT_TABLE,
    INTS,
    inner,
    kernel,
)
from sojourn.tape.kernels.search import above

if TYPE_CHECKING:
    import numpy.typing as npt

    from sojourn.tape.tape import Codes, Floats, Ints

    FloatTable = npt.NDArray[np.float64]
    IntTable = npt.NDArray[np.int64]

_NEVER = np.iinfo(np.int64).max


@kernel(INTS, INTS, INTS, BOOL, CODES, FLOATS, FLOATS, FLOAT, FLOAT, FLOAT, INTS, EACH)
def gathered(
    starts: Ints,
    times: Ints,
    received: Ints,
    late: bool,
    codes: Codes,
    gains: Floats,
    caps: Floats,
    least: float,
    most: float,
    pace: float,
    rows: Ints,
    now: Ints,
) -> tuple[Floats, Ints]:
    """Each row's level (float64[m]) at its last event, and the time of that (int64[m], 0 if there is none).

    Event by event, in the order of their times, of those met by `now`: the level fades by half every
    1 / `pace` microseconds, takes the event's gain (NaN: none) and stays from `least` to `most`.  What
    the events of one code (int32[k]) give fades alike and stays within plus and minus caps[code].
    """
    levels, since = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    given, given_at = np.zeros(len(caps)), np.zeros(len(caps), np.int64)
    order = np.empty(0, np.int64)  # by time, of a row whose events were not met in that order
    row, event, level, at = -1, 0, 0.0, 0
    for i in range(len(rows)):
        low = starts[rows[i]]
        # Whoever is asked about again, later, goes on from there: else much asked customers take for ever.
        if rows[i] != row or now[i] < now[i - 1] or len(order):
            row, event, level, at, order = rows[i], low, 0.0, 0, order[:0]
            given[:] = 0
        high = above(received, event, starts[row + 1], now[i])
        while event < high:
            if late and times[event] < at and not len(order):
                order = np.argsort(times[low:high], kind="mergesort")
                event, level, at = low, 0.0, 0
                given[:] = 0
            one = low + order[event - low] if len(order) else event
            event += 1
            gain, time, code = gains[one], times[one], codes[one]
            if np.isnan(gain):
                continue
            if caps[code] < np.inf:
                before = _faded(given[code], given_at[code], time, pace)
                given[code] = min(max(before + gain, -caps[code]), caps[code])
                given_at[code] = time
                gain = given[code] - before
            level = min(max(_faded(level, at, time, pace) + gain, least), most)
            at = time
        levels[i], since[i] = level, at
    return levels, since


@kernel(FLOAT_TABLE, INT_TABLE, FLOAT_TABLE, FLOATS, FLOATS, FLOATS, EACH)
def summed(
    levels: FloatTable,
    since: IntTable,
    rests: FloatTable,
    paces: Floats,
    least: Floats,
    most: Floats,
    now: Ints,
) -> Floats:
    """The sum of all groups at `now`: float64[m].

    A group, of g, is its level (m by g) faded since its instant, and what does not fade (`rests`, m by
    g), within its limits; the last of `least` and `most` (float64[g + 1]) are the limits of the sum.
    """
    found = np.empty(len(now))
    for i in range(len(now)):
        found[i] = _sum(levels[i], since[i], rests[i], paces, least, most, now[i], now[i], 0)
    return found


@kernel(FLOAT_TABLE, INT_TABLE, FLOAT_TABLE, FLOATS, FLOATS, FLOATS, EACH, FLOAT, BOOL, INT)
def turns(
    levels: FloatTable,
    since: IntTable,
    rests: FloatTable,
    paces: Floats,
    least: Floats,
    most: Floats,
    now: Ints,
    mark: float,
    beyond: bool,
    reach: int,
) -> Ints:
    """When time alone changes whether the sum is at least the mark (or `beyond` it): int64[m] > now or NEVER.

    Nothing is left of any level after `reach` microseconds.  Exact to the microsecond where all levels
    have one sign; where some fall while others rise it may be too early, never too late.
    """
    found = np.full(len(now), _NEVER)
    for i in range(len(now)):
        one = levels[i], since[i], rests[i], paces, least, most
        inside = _passes(_sum(*one, now[i], now[i], 0), mark, beyond)
        sign = 1 if inside else -1  # what is inside can only fall out, what is outside only rise
        early, late = now[i], now[i] + reach
        if _passes(_sum(*one, late, now[i], sign), mark, beyond) == inside:
            continue
        while late - early > 1:
            middle = (early + late) >> 1
            if _passes(_sum(*one, middle, now[i], sign), mark, beyond) == inside:
                early = middle
            else:
                late = middle
        found[i] = late
    return found


@inner
def _faded(level: float, at: int, time: int, pace: float) -> float:
    return float(level * np.exp2((at - time) * pace)) if pace > 0 and level != 0 else level


@inner
def _sum(
    levels: Floats,
    since: Ints,
    rests: Floats,
    paces: Floats,
    least: Floats,
    most: Floats,
    time: int,
    now: int,
    sign: int,
) -> float:
    """The sum at `time`; with a sign, levels of the other sign stay as they are at `now`."""
    total, groups = 0.0, len(levels)
    for group in range(groups):
        when = now if sign * levels[group] < 0 else time
        value = rests[group] + _faded(levels[group], since[group], when, paces[group])
        total += min(max(value, least[group]), most[group])
    return float(min(max(total, least[groups]), most[groups]))


@inner
def _passes(value: float, mark: float, beyond: bool) -> bool:
    return value > mark if beyond else value >= mark
