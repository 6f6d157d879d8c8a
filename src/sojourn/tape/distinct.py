"""The distinct ones among numbers: NumPy's own hashes them, which takes fifteen times as long."""

from __future__ import annotations

import numpy as np

from sojourn.tape.tape import Bools, Ints


def distinct(*values: Ints) -> Ints:
    """What occurs in any of the arrays (int64), each once and in order."""
    every = np.sort(values[0] if len(values) == 1 else np.concatenate(values))
    first: Bools = np.append(True, every[1:] != every[:-1])[: len(every)]
    return every[first]
