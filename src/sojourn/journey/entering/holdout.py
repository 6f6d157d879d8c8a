"""The holdout: the customers with whom nothing is done, so that there is something to compare with."""

from __future__ import annotations

import numpy as np

from sojourn.tape.hashing import hash_text, mix, share
from sojourn.tape.tape import Bools, Ints

EVERYWHERE = hash_text("every journey")
"""In place of a journey's hash: who is kept out by it is kept out of all journeys."""


def kept_out(journey: int, customers: Ints, part: float) -> Bools:
    """Which customers (ids, int64[m]) fall into the part of all that is held out: bool[m].

    `journey` is its hash, or EVERYWHERE.  Each hash draws anew, so that being held out of one journey
    says nothing of any other; the draw never changes, and a larger part holds whoever was in a smaller.
    """
    if not part:
        return np.zeros(len(customers), np.bool_)
    kept: Bools = share(mix(journey, hash_text("holdout"), customers)) < part
    return kept
