"""Marks of customers: entering and leaving a segment, and being merged, are events on the customer's tape."""

from __future__ import annotations

import numpy as np

from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Bools, Ints

SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"
CUSTOMERS_MERGED = "Customers Merged"
CUSTOMERS_PARTED = "Customers Parted"


def keys(segment: str, customers: Ints, instants: Ints, entered: Bools) -> Ints:
    """The keys of the marks of k crossings of a segment, each by its customer and instant: int64[k].

    They are the same whoever works them out, and whenever.
    """
    return mix(hash_text("segment"), hash_text(segment), customers, instants, entered.astype(np.int64))
