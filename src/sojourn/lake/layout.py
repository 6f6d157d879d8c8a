"""Lays rows of many sources out on one tape, customer by customer, without sorting what is sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sojourn.lake.segment import SUBJECTS_A_BUCKET, buckets
from sojourn.lake.source import Source, groups_of
from sojourn.tape.tape import Codes, Ints

Places = slice | Codes


@dataclass(frozen=True)
class Merged:
    """The subjects (int64[k], strictly increasing) that belong to another customer than their own."""

    subjects: Ints
    customers: Ints  # int64[k]

    @staticmethod
    def none() -> Merged:
        return Merged(np.empty(0, np.int64), np.empty(0, np.int64))

    def customers_of(self, subjects: Ints) -> Ints:
        """Whose each subject is now: int64[n]."""
        if not len(self.subjects):
            return subjects
        found = np.minimum(np.searchsorted(self.subjects, subjects), len(self.subjects) - 1)
        return np.where(self.subjects[found] == subjects, self.customers[found], subjects)


@dataclass(frozen=True)
class Wanted:
    """Which events a tape is to hold (None: all of them), and which of its columns."""

    names: frozenset[str] | None = None
    since: int | None = None  # met at this instant (microseconds UTC) or later
    subjects: Ints | None = None  # int64[k], strictly increasing
    everyone: Ints | None = None  # customers who stand on the tape even without an event
    keys: bool = True
    runs: bool = True
    always: frozenset[str] = frozenset()  # beside those that `names` and `since` want: all of these names
    traits: bool = False  # beside those: all that carry traits


@dataclass(frozen=True)
class Piece:
    """The wanted rows of one group: `rows` of the group (None: all), and the places they go to."""

    source: Source
    group: int
    rows: Ints | None
    places: Places

    def taken(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column if self.rows is None else column.take(pa.array(self.rows))

    def place(self, rows: Ints) -> Ints:
        """Where these of the wanted rows stand on the tape."""
        if isinstance(self.places, slice):
            return np.add(rows, self.places.start)
        return self.places[rows].astype(np.int64)


@dataclass(frozen=True)
class Layout:
    """Which customers stand on the tape, and where the rows of each piece go on it."""

    customers: Ints  # int64[c], strictly increasing
    starts: Ints  # int64[c + 1]
    pieces: tuple[Piece, ...]


def lay_out(sources: Sequence[Source], wanted: Wanted, merged: Merged) -> Layout:
    """The layout of all wanted events; of one customer, those of an earlier source stand first."""
    found = list(_runs(sources, wanted, merged))
    customers, starts = _starts(found, wanted.everyone)
    free = starts[:-1].copy()
    pieces = []
    for runs in found:
        places = _places(np.searchsorted(customers, runs.customers), runs.counts, free)
        pieces.append(Piece(runs.source, runs.group, runs.rows, places))
    return Layout(customers, starts, tuple(pieces))


@dataclass(frozen=True)
class _Runs:
    """The wanted rows of one group in runs of one customer each."""

    source: Source
    group: int
    rows: Ints | None
    customers: Ints  # int64[r]
    counts: Codes  # int32[r]


def _runs(sources: Sequence[Source], wanted: Wanted, merged: Merged) -> Iterator[_Runs]:
    for source in sources:
        columns = _looked_at(source, wanted)
        for group in groups_of(source, wanted.subjects):
            table = source.read(group, columns)
            rows = _rows(table, wanted)
            subjects = table["subject"].to_numpy()
            subjects = subjects if rows is None else subjects[rows]
            if len(subjects):
                cuts = np.flatnonzero(np.append(True, subjects[1:] != subjects[:-1]))
                counts = np.diff(np.append(cuts, len(subjects))).astype(np.int32)
                yield _Runs(source, group, rows, merged.customers_of(subjects[cuts]), counts)


def _looked_at(source: Source, wanted: Wanted) -> list[str]:
    """The columns that tell which of the rows are wanted."""
    columns = ["subject", *["name"] * (wanted.names is not None or bool(wanted.always))]
    columns += ["received"] * (wanted.since is not None)
    told = any(name.startswith("t.") for name in (*source.schema.names, *source.rest))
    return [*columns, *["traits"] * (wanted.traits and told)]


def _rows(table: pa.Table, wanted: Wanted) -> Ints | None:
    masks: list[npt.NDArray[np.bool_]] = []
    if wanted.names is not None:
        masks.append(_named(table, wanted.names))
    if wanted.since is not None:
        masks.append(table["received"].to_numpy() >= wanted.since)
    if masks:
        masks = [np.logical_or.reduce([np.logical_and.reduce(masks), *_beside(table, wanted)])]
    if wanted.subjects is not None:
        masks.append(np.isin(table["subject"].to_numpy(), wanted.subjects))
    return np.flatnonzero(np.logical_and.reduce(masks)) if masks else None


def _beside(table: pa.Table, wanted: Wanted) -> Iterator[npt.NDArray[np.bool_]]:
    if wanted.always:
        yield _named(table, wanted.always)
    if "traits" in table.column_names:
        yield pc.not_equal(table["traits"], "{}").to_numpy()


def _named(table: pa.Table, names: frozenset[str]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_in(
        table["name"].cast(pa.string()), pa.array(sorted(names), pa.string())
    ).to_numpy()
    return found


def _starts(found: Sequence[_Runs], everyone: Ints | None) -> tuple[Ints, Ints]:
    """The customers, and where each one's events begin; counted bucket by bucket, without sorting."""
    totals: dict[int, Ints] = {}
    for runs in found:
        _count(totals, runs.customers, runs.counts)
    if everyone is not None:
        _count(totals, everyone, np.zeros(len(everyone), np.int32))
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for bucket, counted in sorted(totals.items()):
        there = np.flatnonzero(counted >= 0)
        parts.append((there + bucket * SUBJECTS_A_BUCKET, counted[there]))
    counts = np.concatenate([part[1] for part in parts])
    return np.concatenate([part[0] for part in parts]), np.append(0, np.cumsum(counts))


def _count(totals: dict[int, Ints], customers: Ints, counts: Codes) -> None:
    """Adds the counts to those of the customers' buckets, where -1 is a customer not met yet."""
    places = buckets(customers)
    for bucket in np.unique(places).tolist():
        here = places == bucket
        slots = customers[here] - bucket * SUBJECTS_A_BUCKET
        counted = totals.setdefault(bucket, np.full(SUBJECTS_A_BUCKET, -1))
        counted[slots] = np.maximum(counted[slots], 0)
        np.add.at(counted, slots, counts[here])


def _places(rows: Ints, counts: Codes, free: Ints) -> Places:
    """Where runs of the customers at `rows` go; takes the places from those still free."""
    order = np.argsort(rows, kind="stable")
    ahead = np.cumsum(counts[order]) - counts[order]
    firsts = np.flatnonzero(np.append(True, np.diff(rows[order]) != 0))
    ahead -= np.repeat(ahead[firsts], np.diff(np.append(firsts, len(order))))
    begins = np.empty(len(rows), np.int64)
    begins[order] = free[rows[order]] + ahead
    np.add.at(free, rows, counts)
    before = np.cumsum(counts) - counts
    if np.array_equal(begins - begins[0], before):
        return slice(int(begins[0]), int(begins[0] + counts.sum()))
    return (np.repeat(begins - before, counts) + np.arange(counts.sum())).astype(np.int32)
