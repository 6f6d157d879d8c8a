"""Finds the stretch between two changes of its zone's clock in which each instant or wall time lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import CODES, INTS, kernel
from sojourn.tape.kernels.search import above

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Ints


@kernel(INTS, CODES, INTS, INTS)
def last_at_most(values: Ints, groups: Codes, starts: Ints, bounds: Ints) -> Ints:
    """The last of its group's bounds that is at or before each value, int64[n] on `bounds`.

    Group g has the bounds starts[g] to starts[g + 1], which ascend; the first is at or before all.
    """
    found = np.empty(len(values), np.int64)
    for row in range(len(values)):
        group = groups[row]
        found[row] = above(bounds, starts[group], starts[group + 1], values[row]) - 1
    return found
