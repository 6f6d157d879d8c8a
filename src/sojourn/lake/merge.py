"""Merges small segments of a bucket into a larger one, without repeats; and erases subjects from one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa

from sojourn.lake.folder import Folder
from sojourn.lake.rewrite import rewritten
from sojourn.lake.segment import Segment, buckets
from sojourn.lake.source import Sealed
from sojourn.tape.tape import Ints

FAN = 4
"""The fewest segments that are merged: fewer cost readers little, and each merge writes them all again."""

MOST_ROWS = 1 << 20
"""Rows past which a segment is merged no more: its keys then take 40 MB while it is made."""


def due(segments: Sequence[Segment]) -> tuple[tuple[Segment, ...], ...]:
    """The groups of segments to merge now: neighbours in the log, of one bucket and of like size."""
    ordered = sorted(segments, key=lambda segment: (segment.bucket, segment.first, segment.last))
    of_buckets = (tuple(group) for _, group in groupby(ordered, key=lambda segment: segment.bucket))
    runs = (run for group in of_buckets for run in _runs(group))
    return tuple(run for run in runs if len(run) >= FAN)


def merge(folder: Folder, segments: Sequence[Segment]) -> Segment:
    """One segment with all events of these (one bucket); of events with one (subject, happened, key)
    the first in the log stays.  The list is to be swapped in one transaction, and then the old files
    removed.  Raises Unavailable where the disk refuses."""
    sources = [Sealed(folder, segment) for segment in segments]
    return rewritten(folder, segments, sources, _order(sources, np.empty(0, np.int64)))


def erase(folder: Folder, segments: Sequence[Segment], subjects: Ints) -> dict[str, Segment | None]:
    """New generations without these subjects (int64[k], strictly increasing): by the name of each
    segment that holds one of them its successor, None where nothing is left of it."""
    near = np.isin(np.array([segment.bucket for segment in segments]), buckets(subjects))
    return {
        segment.name: _without(folder, segment, subjects)
        for segment, may_hold in zip(segments, near.tolist(), strict=True)
        if may_hold and _holds(Sealed(folder, segment), subjects)
    }


def _runs(group: Sequence[Segment]) -> list[tuple[Segment, ...]]:
    """The segments of a bucket, cut before each that is more than twice what those after it in its run
    hold together: so that few rows never make many be written again."""
    runs: list[tuple[Segment, ...]] = []
    run: tuple[Segment, ...] = ()
    rows = 0
    for segment in reversed(group):
        if run and (segment.rows > 2 * rows or segment.rows + rows > MOST_ROWS):
            runs.append(run)
            run, rows = (), 0
        run, rows = (segment, *run), rows + segment.rows
    return [*runs, run]


def _holds(source: Sealed, subjects: Ints) -> bool:
    return any(
        np.isin(subjects, source.read(group, ["subject"])[0].to_numpy()).any()
        for group in range(source.groups)
    )


def _without(folder: Folder, segment: Segment, subjects: Ints) -> Segment | None:
    sources = [Sealed(folder, segment)]
    order = _order(sources, subjects)
    return rewritten(folder, [segment], sources, order, cleaned=True) if len(order) else None


def _order(sources: Sequence[Sealed], without: Ints) -> Ints:
    """Which rows stay, by (subject, received, position), as rows of all sources one after the other."""
    subject, happened, received, position, key = (
        np.concatenate([_whole(source, name) for source in sources])
        for name in ("subject", "happened", "received", "position", "key")
    )
    alike = np.lexsort((position, key, happened, subject))
    repeats = np.ones(len(alike), np.bool_)
    repeats[:1] = False
    for column in (subject, happened, key):
        repeats[1:] &= column[alike][1:] == column[alike][:-1]
    stays = ~np.isin(subject, without)
    stays[alike[repeats]] = False
    order = np.lexsort((position, received, subject))
    return order[stays[order]]


def _whole(source: Sealed, name: str) -> Ints:
    column: Ints = pa.concat_tables([source.read(group, [name]) for group in range(source.groups)])[
        0
    ].to_numpy()
    return column
