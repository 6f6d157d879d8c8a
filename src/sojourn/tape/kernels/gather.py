"""Gathers a customer's events of some names, for kernels that then look at these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import inner

if TYPE_CHECKING:
    from sojourn.tape.tape import Bools, Codes, Ints


@inner
def room(starts: Ints) -> Ints:
    """A buffer that takes the positions of any customer's events."""
    longest = 0
    for customer in range(len(starts) - 1):
        longest = max(longest, starts[customer + 1] - starts[customer])
    return np.empty(longest + 1, np.int64)


@inner
def gather(names: Codes, wanted: Bools, low: int, high: int, gathered: Ints) -> np.int64:
    """Write the positions in [low, high) whose name code is wanted into the buffer; answer how many.

    Every position is written and stepped over only if it is wanted, which spares a branch that no
    processor can foresee; unsigned numbers spare the look whether an index counts from the end.
    """
    at = np.uint64(0)
    for event in range(np.uint64(low), np.uint64(high)):
        gathered[at] = event
        at += np.uint64(wanted[np.uint32(names[event])])
    return np.int64(at)
