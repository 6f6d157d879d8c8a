"""Marks of segments: entering and leaving one is an event on the customer's tape."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sojourn.customer.segments import Crossings
from sojourn.tape.build import build
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Column, Ints, Tape

SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"


def marks(crossings: Mapping[str, Crossings], customers: Ints) -> Tape:
    """The tape of these customers (int64[c], which the crossings' rows index) with a mark for each
    crossing of each segment.  Its key is the same whoever works it out, and whenever."""
    entered = np.concatenate([np.empty(0, np.bool_), *(part.entered for part in crossings.values())])
    instants = np.concatenate([np.empty(0, np.int64), *(part.instants for part in crossings.values())])
    rows = np.concatenate([np.empty(0, np.int64), *(part.rows for part in crossings.values())])
    segments = np.repeat(np.arange(len(crossings)), [len(part.rows) for part in crossings.values()])
    hashes = np.array([hash_text(name) for name in crossings], np.int64)
    column = Column(
        positions=np.arange(len(rows)),
        numbers=np.full(len(rows), np.nan),
        codes=segments.astype(np.int32),
        texts=tuple(crossings),
    )
    return build(
        customers=customers[rows],
        times=instants,
        received=None,
        names=np.where(entered, 0, 1).astype(np.int32),
        vocabulary=(SEGMENT_ENTERED, SEGMENT_LEFT),
        keys=mix(hash_text("segment"), hashes[segments], customers[rows], instants, entered),
        runs=np.zeros(len(rows), np.int64),
        properties={"segment": column},
        everyone=customers,
    )
