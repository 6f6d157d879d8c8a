"""Counts, for those who began in each period, in which later periods they came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.gather import gather, room
from sojourn.tape.kernels.kernel import BOOL, BOOLS, CODES, INT, INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Bools, Codes, Ints

_DAY = 86_400_000_000


@kernel(INTS, INTS, CODES, INT, BOOLS, CODES, INT, BOOL)
def cohorts(
    starts: Ints, times: Ints, names: Codes, start: int, back: Bools, periods: Codes, day: int, ever: bool
) -> tuple[Ints, Ints]:
    """How many began in each period (int64[p]), and of them back k periods later (int64[p, p + 1]).

    A customer begins with the first event of code `start`; that event and each one after it comes
    back if its code is in `back` (bool[vocabulary]).  `periods` is the period, 0 to p - 1, of each
    day (UTC) from `day` (since 1970) on.  Ever: came back k periods later or at any time after.
    """
    sizes, gathered = np.zeros(periods[-1] + 1, np.int64), room(starts)
    returned = np.zeros((len(sizes), len(sizes) + 1), np.int64)
    for customer in range(len(starts) - 1):
        event, end = starts[customer], starts[customer + 1]
        while event < end and names[event] != start:
            event += 1
        if event == end:
            continue
        cohort = periods[times[event] // _DAY - day]
        sizes[cohort] += 1
        last = np.int64(-1)
        for i in range(gather(names, back, event, end, gathered)):
            period = np.int64(periods[times[gathered[i]] // _DAY - day])
            returned[cohort, period - cohort] += not ever and period != last
            last = period
        if ever and last >= 0:
            returned[cohort, last - cohort] += 1
    if ever:
        for k in range(len(sizes) - 1, -1, -1):
            returned[:, k] += returned[:, k + 1]
    return sizes, returned
