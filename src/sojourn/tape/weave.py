"""Weaves selections of several tapes into one, with a group of events for each asking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sojourn.tape.kernels.order import falls
from sojourn.tape.selection import Selection
from sojourn.tape.tape import Ints


def weave(parts: Sequence[tuple[Selection, Ints, Ints]], m: int) -> tuple[Selection, Ints]:
    """One selection of m groups, in the order in which events were met, and what each event brings.

    A part is a selection, the group of it that each asking reads, int64[m], and what its events
    bring, int64[k].  The positions of the result stand on no tape.
    """
    groups, times, received, brought = zip(*(_laid_out(*part) for part in parts), strict=True)
    group, met = np.concatenate(groups), np.concatenate(received)
    order = np.lexsort((met, group))
    starts = np.append(0, np.cumsum(np.bincount(group, minlength=m)))
    in_order = np.concatenate(times)[order]
    woven = Selection(starts, np.arange(len(order)), in_order, met[order], falls(starts, in_order))
    return woven, np.concatenate(brought)[order]


def _laid_out(selection: Selection, rows: Ints, brings: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """The events of each asking one after the other: the asking, times, received, what they bring."""
    begins = selection.starts[rows]
    sizes = selection.starts[rows + 1] - begins
    index = np.arange(sizes.sum()) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
    asking = np.repeat(np.arange(len(rows)), sizes)
    return asking, selection.times[index], selection.received[index], brings[index]
