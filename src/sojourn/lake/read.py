"""Loads a tape from segments and the rows not yet sealed: instants and names at once, values on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sojourn.lake.folder import Folder
from sojourn.lake.layout import Layout, Merged, Places, Wanted, lay_out
from sojourn.lake.rows import Rows, arranged
from sojourn.lake.segment import Segment
from sojourn.lake.source import Sealed, Source, Unsealed
from sojourn.lake.values import codes, columns
from sojourn.tape.kernels.order import rises, spread
from sojourn.tape.tape import Codes, Ints, Tape

_STRETCH = 1 << 20
"""Events looked at together where a whole column of temporary values would be too large."""


def load(
    folder: Folder,
    segments: Sequence[Segment],
    tail: Rows | None = None,
    wanted: Wanted | None = None,
    merged: Merged | None = None,
) -> Tape:
    """The tape of these segments and of the rows of the log that none of them holds.

    The list of segments and the tail are to be read in one transaction, so that no row is in both
    or in neither.  Properties and traits are read when first asked for, from the files as they
    are now, even after a merge removes them.  Raises Gone where one was removed since the list was read.
    """
    sources = opened(folder, segments, tail)
    return _loaded(lay_out(sources, wanted or Wanted(), merged or Merged.none()), wanted or Wanted(), sources)


def opened(folder: Folder, segments: Sequence[Segment], tail: Rows | None) -> list[Source]:
    """Segments in the order of bucket and log, then the tail."""
    ordered = sorted(segments, key=lambda segment: (segment.bucket, segment.first, segment.last))
    sources: list[Source] = [Sealed(folder, segment) for segment in ordered]
    return [*sources, Unsealed(arranged(tail))] if tail is not None and len(tail) else sources


@dataclass
class _Filling:
    """A tape's columns while they are filled."""

    received: Ints
    times: Ints | None  # None while every event was met when it happened
    names: Codes
    keys: Ints
    runs: Ints
    vocabulary: dict[str, int]


def _loaded(layout: Layout, wanted: Wanted, sources: Sequence[Source]) -> Tape:
    filling = _filled(layout, wanted)
    moves = _put_in_order(filling, layout.starts)
    received, met = filling.received, filling.received
    if not rises(layout.starts, met):
        received = spread(layout.starts, met)
    times = filling.times if filling.times is not None else met
    return Tape(
        customers=layout.customers,
        starts=layout.starts,
        times=times,
        received=received,
        names=filling.names,
        vocabulary=tuple(filling.vocabulary),
        keys=filling.keys,
        runs=filling.runs,
        properties=columns(layout, moves, sources, "p."),
        traits=columns(layout, moves, sources, "t."),
    )


def _filled(layout: Layout, wanted: Wanted) -> _Filling:
    n, none = int(layout.starts[-1]), np.empty(0, np.int64)
    filling = _Filling(
        received=np.empty(n, np.int64),
        times=None,
        names=np.empty(n, np.int32),
        keys=np.empty(n, np.int64) if wanted.keys else none,
        runs=np.empty(n, np.int64) if wanted.runs else none,
        vocabulary={},
    )
    needed = ["happened", "received", "name", *["key"] * wanted.keys, *["run"] * wanted.runs]
    for piece in layout.pieces:
        table = piece.source.read(piece.group, needed)
        _fill(filling, piece.places, {name: piece.taken(table[name]) for name in needed})
    return filling


def _fill(filling: _Filling, places: Places, read: dict[str, pa.ChunkedArray]) -> None:
    received = read["received"].to_numpy()
    happened = np.minimum(read["happened"].to_numpy(), received)
    if filling.times is None and not np.array_equal(happened, received):
        filling.times = filling.received.copy()
    filling.received[places] = received
    if filling.times is not None:
        filling.times[places] = happened
    filling.names[places] = codes(read["name"], filling.vocabulary)
    if "key" in read:
        filling.keys[places] = read["key"].to_numpy()
    if "run" in read:
        filling.runs[places] = read["run"].to_numpy()


def _put_in_order(filling: _Filling, starts: Ints) -> tuple[Ints, Ints]:
    """Sorts the customers whose sources overlap; answers from which place to which events moved."""
    rows = _out_of_order(filling.received, starts)
    counts = starts[rows + 1] - starts[rows]
    shifts = starts[rows] - (np.cumsum(counts) - counts)
    places = np.repeat(shifts, counts) + np.arange(counts.sum())
    order = places[np.lexsort((filling.received[places], np.repeat(rows, counts)))]
    for column in (filling.received, filling.times, filling.names, filling.keys, filling.runs):
        if column is not None and len(column):
            column[places] = column[order]
    sources = np.argsort(order)
    return order[sources], places[sources]


def _out_of_order(received: Ints, starts: Ints) -> Ints:
    """The rows of the customers of whom an event stands after one that was met later."""
    found = [np.empty(0, np.int64)]
    for low in range(1, len(received), _STRETCH):
        high = min(low + _STRETCH, len(received))
        falls = low + np.flatnonzero(received[low:high] < received[low - 1 : high - 1])
        rows = np.searchsorted(starts, falls, "right") - 1
        found.append(rows[starts[rows] != falls])
    return np.unique(np.concatenate(found))
