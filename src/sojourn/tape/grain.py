"""The grain of time: a customer's real events are met at its multiples, with room for marks between."""

from __future__ import annotations

import numpy as np

from sojourn.tape.kernels.order import spread
from sojourn.tape.tape import NEVER, Ints

GRAIN = 64
"""Microseconds.  As many marks can follow one event before the next; a journey puts a handful there."""


def on_grain(instants: Ints) -> Ints:
    """The instants, rounded up to the grain; NEVER stays."""
    return np.where(instants > NEVER - GRAIN, NEVER, (instants + (GRAIN - 1)) & -GRAIN)  # a power of 2


def apart(customers: Ints, instants: Ints) -> Ints:
    """The instants of n events, in the order in which they came, on the grain, no two of a customer alike."""
    order = np.argsort(customers, kind="stable")
    owners = customers[order]
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])[: len(owners)])
    grains = spread(np.append(starts, len(owners)), on_grain(instants[order]) // GRAIN)
    stamps = np.empty(len(instants), np.int64)
    stamps[order] = grains * GRAIN
    return stamps
