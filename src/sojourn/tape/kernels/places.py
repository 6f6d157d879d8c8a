"""Finds where events stand in a column: which of its values, if any, each of them carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import INTS, kernel
from sojourn.tape.kernels.search import at_least

if TYPE_CHECKING:
    from sojourn.tape.tape import Ints


@kernel(INTS, INTS)
def places(positions: Ints, wanted: Ints) -> Ints:
    """The index of each wanted position among those that ascend: int64[m], -1 where it is not there.

    Wanted positions that ascend as well are found in one pass, as each search begins at the last.
    """
    found = np.full(len(wanted), -1)
    at = 0
    for i in range(len(wanted)):
        low = at if i > 0 and wanted[i] >= wanted[i - 1] else 0
        high, step = low, 1
        while high < len(positions) and positions[high] < wanted[i]:
            low, high, step = high + 1, high + step, 2 * step
        at = at_least(positions, low, min(high, len(positions)), wanted[i])
        if at < len(positions) and positions[at] == wanted[i]:
            found[i] = at
    return found
