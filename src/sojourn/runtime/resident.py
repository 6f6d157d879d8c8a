"""Resident tapes: what a worker keeps in memory of all customers, so that a tick needs no reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sojourn.lake.layout import Merged
from sojourn.tape.build import empty, merge, take
from sojourn.tape.tape import Ints, Tape

PARTITIONS = 64


class Resident:
    """Layers of tapes by subject, and up to which place in the log each partition is in."""

    def __init__(self) -> None:
        self.layers: list[Tape] = []
        self.xids = np.zeros(PARTITIONS, np.int64)
        self.positions = np.zeros(PARTITIONS, np.int64)
        self.merged = Merged.none()
        self.heard: frozenset[str] = frozenset()
        self.fingerprint = 0  # of the segments that all partitions have been told to follow

    def hear(self, names: frozenset[str]) -> None:
        """Keep events of these names from now on; what is kept is forgotten if they are more than before."""
        if not names <= self.heard:
            self.clear()
        self.heard = names

    def add(self, layer: Tape) -> None:
        """Lay new events on top; layers of like size become one, so that there are never many."""
        if not len(layer):
            return
        while self.layers and len(self.layers[-1]) <= 2 * len(layer):
            layer = merge(self.layers.pop(), layer)
        self.layers.append(layer)

    def tape(self, customers: Ints) -> Tape:
        """The tape of these customers (int64[m], strictly increasing), all that is kept of them."""
        found = _of(self.layers, customers, customers)
        for subjects, owners in _ranks(self.merged, customers):
            found = merge(found, _of(self.layers, subjects, owners))
        return found

    def customers(self, partition: int) -> Ints:
        """The customers of a partition of whom anything is kept: int64[m], strictly increasing."""
        here = self.merged.customers % PARTITIONS == partition
        own = [layer.customers[layer.customers % PARTITIONS == partition] for layer in self.layers]
        found = np.unique(np.concatenate([self.merged.customers[here], *own]))
        return found[~np.isin(found, self.merged.subjects)]

    def clear(self) -> None:
        """Forget everything: what was added may not have been committed."""
        self.__init__()  # type: ignore[misc]


def _of(layers: Sequence[Tape], subjects: Ints, owners: Ints) -> Tape:
    """The tape of some subjects, each as that of its owner; the owners strictly increase."""
    found = empty(owners)
    for layer in layers:
        if not len(layer.customers):
            continue
        places = np.minimum(np.searchsorted(layer.customers, subjects), len(layer.customers) - 1)
        there = layer.customers[places] == subjects
        if there.any():
            found = merge(found, replace(take(layer, places[there]), customers=owners[there]))
    return found


def _ranks(merged: Merged, customers: Ints) -> list[tuple[Ints, Ints]]:
    """The merged subjects of the customers with these, in groups in which no customer comes twice."""
    mine = np.isin(merged.customers, customers)
    subjects, owners = merged.subjects[mine], merged.customers[mine]
    order = np.lexsort((subjects, owners))
    subjects, owners = subjects[order], owners[order]
    firsts = np.flatnonzero(np.append(True, np.diff(owners) > 0)[: len(owners)])
    rank = np.arange(len(owners)) - np.repeat(firsts, np.diff(np.append(firsts, len(owners))))
    return [(subjects[rank == one], owners[rank == one]) for one in np.unique(rank)]
