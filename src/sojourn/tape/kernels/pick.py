"""Picks the events of a selection from a tape, in one pass over the names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOLS, CODES, INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Bools, Codes, Ints


# Each position is written and stepped over only if it is picked, which spares a branch that no
# processor can foresee; unsigned numbers spare the look whether an index counts from the end.  What
# of `positions` is never written takes no memory.


@kernel(INTS, CODES, BOOLS)
def pick_named(starts: Ints, names: Codes, wanted: Bools) -> tuple[Ints, Ints]:
    """The starts and positions of the events whose name code is wanted (bool[vocabulary])."""
    picked, positions = np.zeros(len(starts), np.int64), np.empty(len(names) + 1, np.int64)
    at = np.uint64(0)
    for customer in range(len(starts) - 1):
        for event in range(np.uint64(starts[customer]), np.uint64(starts[customer + 1])):
            positions[at] = event
            at += np.uint64(wanted[np.uint32(names[event])])
        picked[customer + 1] = at
    return picked, positions[:at]


@kernel(INTS, BOOLS)
def pick_masked(starts: Ints, mask: Bools) -> tuple[Ints, Ints]:
    """The starts and positions of the events where the mask (bool[n]) is true."""
    picked, positions = np.zeros(len(starts), np.int64), np.empty(len(mask) + 1, np.int64)
    at = np.uint64(0)
    for customer in range(len(starts) - 1):
        for event in range(np.uint64(starts[customer]), np.uint64(starts[customer + 1])):
            positions[at] = event
            at += np.uint64(mask[event])
        picked[customer + 1] = at
    return picked, positions[:at]


@kernel(INTS, INTS)
def starts_within(starts: Ints, positions: Ints) -> Ints:
    """Where each customer's part of some positions on the tape, which ascend, begins."""
    picked = np.empty(len(starts), np.int64)
    at = 0
    for customer in range(len(starts)):
        while at < len(positions) and positions[at] < starts[customer]:
            at += 1
        picked[customer] = at
    return picked
