"""Picks the events of a selection from a tape, in one pass over the names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOLS, CODES, INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Bools, Codes, Ints


@kernel(INTS, CODES, BOOLS)
def pick_named(starts: Ints, names: Codes, wanted: Bools) -> tuple[Ints, Ints]:
    """The starts and positions of the events whose name code is wanted (bool[vocabulary])."""
    picked = np.empty(len(starts), np.int64)
    picked[0] = 0
    total = 0
    for customer in range(len(starts) - 1):
        for event in range(starts[customer], starts[customer + 1]):
            total += wanted[names[event]]
        picked[customer + 1] = total
    # Writing every position and stepping on only when wanted spares an unforeseeable branch.
    positions = np.empty(total + 1, np.int64)
    at = 0
    for event in range(starts[0], starts[-1]):
        positions[at] = event
        at += wanted[names[event]]
    return picked, positions[:total]


@kernel(INTS, BOOLS)
def pick_masked(starts: Ints, mask: Bools) -> tuple[Ints, Ints]:
    """The starts and positions of the events where the mask (bool[n]) is true."""
    picked = np.empty(len(starts), np.int64)
    picked[0] = 0
    total = 0
    for customer in range(len(starts) - 1):
        for event in range(starts[customer], starts[customer + 1]):
            total += mask[event]
        picked[customer + 1] = total
    positions = np.empty(total + 1, np.int64)
    at = 0
    for event in range(len(mask)):
        positions[at] = event
        at += mask[event]
    return picked, positions[:total]


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
