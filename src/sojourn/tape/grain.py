"""The grain of time: real events of a customer are met at its multiples, so that marks find room between them."""

from __future__ import annotations

import numpy as np

from sojourn.tape.kernels.order import spread
from sojourn.tape.tape import NEVER, Ints

GRAIN = 64
"""Microseconds.  As many marks can follow one event before the next; a journey puts a handful there."""


def on_grain(instants: Ints) -> Ints:
    """The instants, rounded up to the grain; NEVER stays."""
    return np.where(instants > NEVER - GRAIN, NEVER, -(-instants // GRAIN) * GRAIN)


def apart(customers: Ints, instants: Ints) -> Ints:
    """The instants of n events in the order in which they came, on the grain, each customer's one after another."""
    order = np.argsort(customers, kind="stable")
    owners = customers[order]
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])[: len(owners)])
    grains = spread(np.append(starts, len(owners)), on_grain(instants[order]) // GRAIN)
    stamps = np.empty(len(instants), np.int64)
    stamps[order] = grains * GRAIN
    return stamps
