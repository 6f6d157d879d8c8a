"""Asks a kernel about parts of the customers on all cores at once, for answers that add up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numba import config

if TYPE_CHECKING:
    from sojourn.tape.tape import Ints

Answer = TypeVar("Answer")

_WORTH_A_CORE = 250_000  # events that a kernel takes about 1 ms for, ten times what a thread costs


def cores() -> int:
    """How many cores there are to use; NUMBA_NUM_THREADS says otherwise."""
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined] # set from the environment


def by_parts(ask: Callable[[Ints], Answer], starts: Ints) -> list[Answer]:
    """The answers for each part of the customers, given by the part's starts (on the same columns).

    Parts hold about as many events each; a kernel lets go of the interpreter's lock, so they run at
    one time.  There is always at least one part.
    """
    many = min(cores(), 1 + int(starts[-1] - starts[0]) // _WORTH_A_CORE)
    bounds = np.searchsorted(starts, np.linspace(starts[0], starts[-1], many + 1)[1:-1])
    edges = [0, *bounds.tolist(), len(starts) - 1]
    parts = [starts[low : high + 1] for low, high in pairwise(edges)]
    if len(parts) == 1:
        return [ask(starts)]
    with ThreadPoolExecutor(len(parts)) as threads:
        return list(threads.map(ask, parts))
