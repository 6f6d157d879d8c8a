"""Wakes the slots of a play: in which somebody is, when each wakes next, who stands on which step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import CODES, INT, INTS, OUT_INTS, kernel
from sojourn.tape.kernels.search import above

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Ints

_NEVER = np.iinfo(np.int64).max


@kernel(INTS, INTS, INTS)
def parted(slots: Ints, ids: Ints, left: Ints) -> tuple[Ints, Ints]:
    """Those of the slots in which somebody is inside, and the others; each in the order given."""
    within, outside = np.empty(len(slots), np.int64), np.empty(len(slots), np.int64)
    inside = others = 0
    for slot in slots:
        if ids[slot] != 0 and left[slot] == _NEVER:
            within[inside] = slot
            inside += 1
        else:
            outside[others] = slot
            others += 1
    return within[:inside], outside[:others]


@kernel(INTS, INTS, INTS, INTS, INTS, OUT_INTS)
def wake_earlier(slots: Ints, rows: Ints, starts: Ints, received: Ints, after: Ints, wakes: Ints) -> None:
    """Bring the wakes of slots forward to the first event that the slot's row meets after its instant.

    `rows`, `after` and `wakes` are of all slots; row i has the events starts[i] to starts[i + 1].
    """
    for slot in slots:
        end = starts[rows[slot] + 1]
        event = above(received, starts[rows[slot]], end, after[slot])
        if event < end and received[event] < wakes[slot]:
            wakes[slot] = received[event]


@kernel(CODES, INTS, INT)
def by_step(steps: Codes, runs: Ints, count: int) -> tuple[Ints, Ints]:
    """The runs in the order of their steps, of which there are `count`, and where each step's begin.

    Of one step they stay in the order given.
    """
    begins = np.zeros(count + 2, np.int64)
    for run in runs:
        begins[steps[run] + 2] += 1
    for step in range(2, count + 2):
        begins[step] += begins[step - 1]
    ordered = np.empty(len(runs), np.int64)
    for run in runs:
        ordered[begins[steps[run] + 1]] = run
        begins[steps[run] + 1] += 1
    return ordered, begins[:-1]
