"""Resident tapes: what a worker keeps in memory of all customers, so that a tick needs no reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sojourn.lake.layout import Merged
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.build import empty, merge, take
from sojourn.tape.tape import Columns, Ints, Tape

PARTITIONS = 64


@dataclass(frozen=True)
class Kept:
    """What resident tapes hold of events: what a catalogue reads, and no more, as it is all in memory."""

    names: frozenset[str]  # events of other names only if they carry traits
    always: frozenset[str]  # those of them that count however old they are
    reach: int | None  # how far back the others count, microseconds; None: all of them
    properties: frozenset[str]
    traits: frozenset[str] | None  # None: all
    keys: bool  # whether keys of events at rest are read
    runs: bool

    @staticmethod
    def of(catalogue: Catalogue) -> Kept:
        """What is to be kept for this catalogue."""
        needs = catalogue.needs
        return Kept(
            names=catalogue.heard,
            always=catalogue.heard_always,
            reach=needs.reach,
            properties=catalogue.carried,
            traits=catalogue.traits,
            keys=bool(needs.entry),
            runs=needs.outcomes or needs.run,
        )

    def covers(self, other: Kept) -> bool:
        """Whether all that the other keeps is kept."""
        reaches = self.reach is None or (
            other.reach is not None and other.reach <= self.reach and other.always <= self.always
        )
        traits = self.traits is None or (other.traits is not None and other.traits <= self.traits)
        flags = (self.keys or not other.keys) and (self.runs or not other.runs)
        return (
            reaches and traits and flags and self.names >= other.names and self.properties >= other.properties
        )

    def settled(self, tape: Tape) -> Tape:
        """The tape with just the columns that are kept, loaded, so that nothing else stays in memory."""
        properties = {name: tape.properties[name] for name in tape.properties if name in self.properties}
        named = [name for name in tape.traits if self.traits is None or name in self.traits]
        traits = {name: tape.traits[name] for name in named}
        runs = tape.runs if tape.runs.any() else tape.runs[:0].copy()  # none loaded is none at all
        return replace(tape, runs=runs, properties=Columns.of(properties), traits=Columns.of(traits))


NOTHING = Kept(frozenset(), frozenset(), 0, frozenset(), frozenset(), keys=False, runs=False)
TRAITS = replace(NOTHING, traits=None)


class Resident:
    """Layers of tapes by subject, and up to which place in the log each partition is in."""

    def __init__(self, kept: Kept = NOTHING) -> None:
        self.layers: list[Tape] = []
        self.xids = np.zeros(PARTITIONS, np.int64)
        self.positions = np.zeros(PARTITIONS, np.int64)
        self.merged = Merged.none()
        self.moved = 0  # the stamp of the last change of who is whose customer
        self._by_owner = np.empty(0, np.int64)  # the order of the merged subjects by their customers
        self.kept = kept
        self.fingerprint = 0  # of the segments that all partitions have been told to follow
        self.begun = False  # whether it has a base: else it is made of the log alone

    def begin(self, kept: Kept, base: Tape, xids: Ints, positions: Ints) -> None:
        """Begin anew, with what is at rest up to a place of each partition in the log."""
        self.clear()
        self.kept, self.begun = kept, True
        self.layers = [kept.settled(base)]
        self.xids[:], self.positions[:] = xids, positions

    def keep(self, kept: Kept) -> None:
        """Keep this from now on; what is there is forgotten if it lacks some of it."""
        if not self.kept.covers(kept):
            self.clear()
        self.kept = kept

    def add(self, layer: Tape) -> None:
        """Lay new events on top of the base; layers of like size become one, so that there are never many."""
        if not len(layer):
            return
        layers = [*self.layers]
        while len(layers) > self.begun and len(layers[-1]) <= 2 * len(layer):
            layer = merge(layers.pop(), layer)
        self.layers = [*layers, self.kept.settled(layer)]

    @property
    def fresh(self) -> int:
        """How many events lie above the base."""
        return sum(len(layer) for layer in self.layers[self.begun :])

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
