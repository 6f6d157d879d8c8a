"""Resident tapes: what a worker keeps in memory of all customers, so that a tick needs no reading."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sojourn.lake.layout import Merged
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.build import empty, merge, stack, take
from sojourn.tape.tape import Bools, Columns, Ints, Tape

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
            keys=True,  # of two writes of a trait at one instant the key decides (P7)
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

    def trimmed(self, tape: Tape) -> Tape:
        """The tape with just the columns that are kept, loaded, so that nothing else stays in memory."""
        properties = {name: tape.properties[name] for name in tape.properties if name in self.properties}
        named = [name for name in tape.traits if self.traits is None or name in self.traits]
        traits = {name: tape.traits[name] for name in named}
        runs = tape.runs if tape.runs.any() else tape.runs[:0].copy()  # none loaded is none at all
        return replace(tape, runs=runs, properties=Columns.of(properties), traits=Columns.of(traits))


NOTHING = Kept(frozenset(), frozenset(), 0, frozenset(), frozenset(), keys=False, runs=False)
TRAITS = replace(NOTHING, traits=None)


class Resident:
    """A base and layers of tapes by subject, and up to which place in the log each partition is in."""

    def __init__(self, kept: Kept = NOTHING) -> None:
        self.clear()
        self.kept = kept

    def clear(self) -> None:
        """Forget everything, what is to be kept as well: what was added may not have been committed."""
        self.kept = NOTHING
        self.base: tuple[
            Tape, ...
        ] = ()  # what was at rest, each tape's subjects beyond those of the one before
        self.layers: list[Tape] = []
        self.xids = np.zeros(PARTITIONS, np.int64)
        self.positions = np.zeros(PARTITIONS, np.int64)
        self.merged = Merged.none()
        self.moved = 0  # the stamp of the last change of who is whose customer
        self._by_owner = np.empty(0, np.int64)  # the order of the merged subjects by their customers
        self.fingerprints = np.zeros(PARTITIONS, np.int64)  # of the segments that each was looked at for
        self.begun = False  # whether it has a base: else it is made of the log alone

    def begin(self, kept: Kept, base: tuple[Tape, ...], xids: Ints, positions: Ints) -> None:
        """Begin anew, with what is at rest up to a place of each partition in the log."""
        self.clear()
        self.kept, self.base, self.begun = kept, base, True
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
        while layers and len(layers[-1]) <= 2 * len(layer):
            layer = merge(layers.pop(), layer)
        self.layers = [*layers, self.kept.trimmed(layer)]

    @property
    def fresh(self) -> int:
        """How many events lie above the base."""
        return sum(len(layer) for layer in self.layers)

    def tape(self, customers: Ints) -> Tape:
        """The tape of these customers (int64[m], strictly increasing), all that is kept of them."""
        rest = stack([part for tape in self.base if len(part := _some(tape, customers)[0])])
        found = merge(empty(customers), rest)
        for layer in self.layers:
            found = _with(found, layer, customers, customers)
        for subjects, owners in self._merged_into(customers):
            for layer in (*self.base, *self.layers):
                found = _with(found, layer, subjects, owners)
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
        layers = (*self.base, *self.layers)
        own = [layer.customers[layer.customers % PARTITIONS == partition] for layer in layers]
        found = np.unique(np.concatenate([self.merged.customers[here], *own]))
        return found[~np.isin(found, self.merged.subjects)]


def _with(found: Tape, layer: Tape, subjects: Ints, owners: Ints) -> Tape:
    """The tape with what a layer has of some subjects, each as its owner's; the owners strictly increase."""
    some, there = _some(layer, subjects)
    return merge(found, replace(some, customers=owners[there])) if len(some) else found


def _some(tape: Tape, subjects: Ints) -> tuple[Tape, Bools]:
    """The tape of those of the subjects who stand on it, and which these are."""
    if not len(tape.customers):
        return tape, np.zeros(len(subjects), np.bool_)
    rows = np.minimum(np.searchsorted(tape.customers, subjects), len(tape.customers) - 1)
    there = tape.customers[rows] == subjects
    return take(tape, rows[there]), there
