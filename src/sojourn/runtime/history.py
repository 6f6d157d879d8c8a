"""History: all events, those at rest in the lake and those of the log not yet sealed, as one tape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.lake.folder import Folder, Gone
from sojourn.lake.layout import Merged, Wanted
from sojourn.lake.read import load
from sojourn.lake.rows import Rows
from sojourn.lake.seal import seal
from sojourn.lake.segment import Segment
from sojourn.runtime.records import lake_rows
from sojourn.store import customers, log, partitions
from sojourn.store.database import Database
from sojourn.store.files import lake_segments
from sojourn.store.log import Logged, Offset
from sojourn.store.names import Names, recent
from sojourn.tape.tape import Ints, Tape

Answer = TypeVar("Answer")

SEALED = "sealed"
"""The name of the reader of the log that brings events to rest."""

TRIES = 5
"""Merges take longer than reading a list does, so the second try nearly always finds its files."""

RECENT = 10_000
"""Events at the end of the log: nearly every name that is in use stands among them."""

CHUNK = 200_000
"""Rows of the log that are read or sealed at once; they take about 200 MB."""


@dataclass(frozen=True)
class Past:
    """What a history is made of, read in one transaction, so that no row is missing."""

    segments: tuple[Segment, ...]
    tail: Rows
    merged: Merged


@dataclass(frozen=True)
class AtRest:
    """The events at rest by subject: all that ticks have read up to `reached`, and none beyond."""

    tapes: tuple[Tape, ...]  # by bucket, so that no more than one of them is in the making at a time
    reached: partitions.Held  # of all partitions
    moved: tuple[Ints, Ints, int]  # subjects that are another's now, whose, and the stamp of that


class History:
    """The history of one installation, read and brought to rest."""

    def __init__(self, database: Database, folder: Folder, names: Names) -> None:
        self.database, self.folder, self.names = database, folder, names
        self._seen: frozenset[str] = frozenset()

    def past(self) -> Past:
        """All of it, as it is now."""
        with self.database.reading() as connection:
            resting = segments(connection)
            chunks = list(_beyond(connection, log.offset(connection, SEALED)))
            subjects, owners, _ = customers.moved_since(connection, 0)
        return Past(resting, lake_rows(_joined(chunks), self.names), Merged(subjects, owners))

    def tape(self, wanted: Wanted | None = None) -> Tape:
        """All events of all customers, or those that are wanted; properties and traits are read on demand."""

        def read() -> Tape:
            past = self.past()
            return load(self.folder, past.segments, past.tail, wanted, past.merged)

        return _unless_gone(read)

    def seen(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that an event bears.  All of history is read for what the newest do not bear,
        until one is found."""
        if unsure := frozenset(names) - self._seen:
            with self.database.reading() as connection:
                self._seen |= unsure & recent(connection, RECENT)
        if unsure := unsure - self._seen:
            found = self.tape(Wanted(names=unsure, keys=False, runs=False))
            self._seen |= unsure & {found.vocabulary[code] for code in np.unique(found.names).tolist()}
        return self._seen & frozenset(names)

    def at_rest(self, wanted: Wanted, trimmed: Callable[[Tape], Tape]) -> AtRest:
        """What is wanted of the events at rest, with where in the log they end.

        Each tape goes through `trimmed`, which takes what is to stay of it in memory.
        """

        def read() -> AtRest:
            with self.database.reading() as connection:
                resting, sealed = segments(connection), log.offset(connection, SEALED)
                held = partitions.every(connection)
                moved = customers.moved_since(connection, 0)
            ends = np.full_like(held.ids, sealed.xid), np.full_like(held.ids, sealed.position)
            reached = partitions.earlier(held, replace(held, read_xids=ends[0], read_positions=ends[1]))
            buckets = groupby(resting, key=lambda segment: segment.bucket)
            tapes = (load(self.folder, tuple(bucket), wanted=wanted) for _, bucket in buckets)
            return AtRest(tuple(trimmed(tape) for tape in tapes), reached, moved)

        return _unless_gone(read)

    def unsealed(self) -> int:
        """About how many events are not yet at rest."""
        with self.database.reading() as connection:
            return log.newest(connection) - log.offset(connection, SEALED).position

    def seal(self, at_least: int = 1, at_most: int = CHUNK) -> int:
        """Bring the log to rest as far as every tick has read it, a chunk; how many events.

        Raises Conflict where another process did so meanwhile.
        """
        with self.database.reading() as connection:
            since = log.offset(connection, SEALED)
            rows = _met(log.read(connection, since, at_most), partitions.every(connection))
        if len(rows) < at_least:
            return 0
        reached = Offset(int(rows.xids[-1]), int(rows.positions[-1]))
        segments = seal(
            self.folder,
            lake_rows(rows, self.names),
            int(rows.positions.min()),
            int(rows.positions.max()),
        )

        def listed(connection: Connection) -> None:
            lake_segments.swap(connection, segments)
            log.advance(connection, SEALED, reached, since)

        self.database.write(listed)
        return len(rows)


def _unless_gone(read: Callable[[], Answer]) -> Answer:
    """What `read` answers; it reads the list again where files that it named were merged meanwhile."""
    for _ in range(TRIES - 1):
        try:
            return read()
        except Gone:
            continue
    return read()


def segments(connection: Connection) -> tuple[Segment, ...]:
    """The list of the lake's segments, as the lake reads it."""
    return tuple(Segment(**msgspec.structs.asdict(listed)) for listed in lake_segments.every(connection))


def _beyond(connection: Connection, since: Offset) -> Iterator[Logged]:
    """All rows of the log past an offset, chunk by chunk; at least one chunk, be it empty."""
    while True:
        rows = log.read(connection, since, CHUNK)
        yield rows
        if not len(rows):
            return
        since = Offset(int(rows.xids[-1]), int(rows.positions[-1]))


def _met(rows: Logged, held: partitions.Held) -> Logged:
    """The first rows, all of which ticks have read: what a tick may still stamp anew is not at rest."""
    xids, positions = held.read_xids[rows.partitions], held.read_positions[rows.partitions]
    unread = (rows.xids > xids) | ((rows.xids == xids) & (rows.positions > positions))
    end = int(np.argmax(unread)) if unread.any() else len(rows)
    return rows.take(np.arange(end))


def _joined(chunks: list[Logged]) -> Logged:
    def column(name: str) -> Any:
        parts = [getattr(chunk, name) for chunk in chunks]
        return (
            np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [v for part in parts for v in part]
        )

    return Logged(**{name: column(name) for name in Logged.__dataclass_fields__})
