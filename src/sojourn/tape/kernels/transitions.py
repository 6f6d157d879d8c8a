"""Counts which event directly follows which within a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.cores import by_parts
from sojourn.tape.kernels.kernel import CODES, INT, INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Ints

_DENSE = 2_048  # a table of this many names takes 32 MB; beyond it we sort the pairs instead


def transitions(starts: Ints, names: Codes, size: int) -> tuple[Codes, Codes, Ints]:
    """The pairs of names of which one directly follows the other: from, to (int32[e]) and count (int64[e]).

    `names` int32[n] are codes below `size`, in the order in which things happened.  Pairs ascend.
    """
    if size <= _DENSE:
        counts = np.sum(by_parts(lambda part: _table(part, names, size), starts), axis=0)
        pairs = np.flatnonzero(counts)
        counts = counts[pairs]
    else:
        pairs, counts = np.unique(_pairs(starts, names, size), return_counts=True)
    return (pairs // max(size, 1)).astype(np.int32), (pairs % max(size, 1)).astype(np.int32), counts


@kernel(INTS, CODES, INT)
def _table(starts: Ints, names: Codes, size: int) -> Ints:
    counts = np.zeros(size * size, np.int64)
    for customer in range(len(starts) - 1):
        for event in range(starts[customer] + 1, starts[customer + 1]):
            counts[names[event - 1] * size + names[event]] += 1
    return counts


@kernel(INTS, CODES, INT)
def _pairs(starts: Ints, names: Codes, size: int) -> Ints:
    pairs = np.empty(len(names), np.int64)
    at = 0
    for customer in range(len(starts) - 1):
        for event in range(starts[customer] + 1, starts[customer + 1]):
            pairs[at] = names[event - 1] * size + names[event]
            at += 1
    return pairs[:at]
