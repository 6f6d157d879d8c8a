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
        self.moved = 0  # the stamp of the last change of who is whose customer
        self._by_owner = np.empty(0, np.int64)  # the order of the merged subjects by their customers
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
        for subjects, owners in self._merged_into(customers):
            found = merge(found, _of(self.layers, subjects, owners))
        return found

    def move(self, subjects: Ints, owners: Ints, stamp: int) -> None:
        """Take in whose customers these subjects (int64[k], increasing) are now; `stamp` says as of when."""
        self.moved = stamp
        if not len(subjects):
            return
        before = np.flatnonzero(~np.isin(self.merged.subjects, subjects))
        away = np.flatnonzero(subjects != owners)
        everybody = np.append(self.merged.subjects[before], subjects[away])
        customers = np.append(self.merged.customers[before], owners[away])
        order = np.argsort(everybody)
        self.merged = Merged(everybody[order], customers[order])
        self._by_owner = np.argsort(self.merged.customers, kind="stable")

    def _merged_into(self, customers: Ints) -> list[tuple[Ints, Ints]]:
        """The merged subjects of the customers with these, in groups in which no customer comes twice."""
        owners = self.merged.customers[self._by_owner]
        first = np.searchsorted(owners, customers)
        counts = np.searchsorted(owners, customers, "right") - first
        groups = []
        for rank in range(int(counts.max(initial=0))):
            those = np.flatnonzero(counts > rank)
            groups.append((self.merged.subjects[self._by_owner[first[those] + rank]], customers[those]))
        return groups

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
