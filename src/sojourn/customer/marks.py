"""Marks of customers: what they come to belong to, and being merged, are events on the customer's tape."""

from __future__ import annotations

import numpy as np

from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Bools, Ints

SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"
SCORE_CHANGED = "Score Changed"
CUSTOMERS_MERGED = "Customers Merged"
CUSTOMERS_PARTED = "Customers Parted"


def keys(segment: str, customers: Ints, instants: Ints, entered: Bools) -> Ints:
    """The keys of the marks of k crossings of a segment, each by its customer and instant: int64[k].

    They are the same whoever works them out, and whenever.
    """
    return keyed("segment", segment, customers, instants, entered.astype(np.int64))


def keyed(kind: str, name: str, customers: Ints, instants: Ints, codes: Ints) -> Ints:
    """The keys of marks of any kind, each by its customer, its instant and what it says: int64[k]."""
    return mix(hash_text(kind), hash_text(name), customers, instants, codes)
