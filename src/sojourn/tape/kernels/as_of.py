"""Reads a trait as of an instant: the last value that was written, among the events known by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOL, EACH, INTS, inner, kernel
from sojourn.tape.kernels.pick import starts_within
from sojourn.tape.kernels.search import each
from sojourn.tape.memory import remembered

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Column, Floats, Ints, Tape


def value_as_of(tape: Tape, column: Column, rows: Ints, now: Ints | int) -> tuple[Floats, Codes]:
    """Each row's value of a trait: numbers float64[m] (NaN where none), codes int32[m] (-1 where none).

    The last write wins, in the order (time, key): so the answer does not depend on the order in which
    events came.  Where the tape's keys are not loaded, position stands in for the key.
    """
    found = write_as_of(tape, column, rows, now)
    known = found >= 0
    numbers, codes = np.full(len(rows), np.nan), np.full(len(rows), -1, np.int32)
    numbers[known], codes[known] = column.numbers[found[known]], column.codes[found[known]]
    return numbers, codes


def write_as_of(tape: Tape, column: Column, rows: Ints, now: Ints | int) -> Ints:
    """Where each row's value comes from: int64[m] on the column, or -1."""
    keys = tape.keys if len(tape.keys) else tape.received
    begins = remembered(column, "begins", lambda: starts_within(tape.starts, column.positions))
    columns = tape.times, tape.received, keys, tape.late
    return _write_as_of(*columns, column.positions, begins, rows, each(now, rows))


@kernel(INTS, INTS, INTS, BOOL, INTS, INTS, EACH, EACH)
def _write_as_of(
    times: Ints, received: Ints, keys: Ints, late: bool, writes: Ints, begins: Ints, rows: Ints, now: Ints
) -> Ints:
    found = np.full(len(rows), -1)
    for i in range(len(rows)):
        low = begins[rows[i]]
        high = _known(received, writes, low, begins[rows[i] + 1], now[i])
        if low == high:
            continue
        best = writes[high - 1]
        found[i] = high - 1
        for write in range(high - 2, low - 1, -1):
            event = writes[write]
            if times[event] < times[best] and not late:
                break
            if times[event] > times[best] or (times[event] == times[best] and keys[event] > keys[best]):
                best, found[i] = event, write
    return found


@inner
def _known(received: Ints, writes: Ints, low: int, high: int, now: int) -> int:
    """The first of writes[low:high] whose event was met after now; else high."""
    while low < high:
        middle = (low + high) >> 1
        if received[writes[middle]] <= now:
            low = middle + 1
        else:
            high = middle
    return low
