"""The log: events in the order in which they were committed, read past an offset by those who follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection, Select

from sojourn.store.rows import among, fetch, insert, insert_missing, is_postgres, update
from sojourn.store.tables import events
from sojourn.tape.tape import Bools, Ints

SETTLED = events.c.xid < sa.literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
"""On PostgreSQL: no open transaction can still commit an event before this one."""


@dataclass(frozen=True, eq=False)
class Events:
    """n events as ingest and ticks append them."""

    partitions: Ints  # int64[n], 0 to 63, of the customer
    subjects: Ints  # int64[n]
    keys: Ints  # int64[n], hash of the event's id
    runs: Ints  # int64[n], 0 where of no run
    names: Ints  # int64[n], codes
    happened: Ints  # int64[n], microseconds UTC
    received: Ints  # int64[n], microseconds UTC
    origins: Ints  # int64[n], 1 public key, 2 server key, 3 import, 4 ours
    properties: Sequence[str]  # n JSON objects
    traits: Sequence[str]  # n JSON objects, empty text where there are none


@dataclass(frozen=True, eq=False)
class Logged(Events):
    """n events as they stand in the log, in order of (xid, position)."""

    xids: Ints  # int64[n], 0 on SQLite, where positions alone are in commit order
    positions: Ints  # int64[n]

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Offset:
    """How far a reader has come: up to and with this event."""

    xid: int = 0
    position: int = 0


def append(connection: Connection, batch: Events) -> Bools:
    """Write events at the end; answers which of the n counted, bool[n].

    An event whose key is in the log, or earlier in the batch, changes nothing (P2).
    """
    rows = {column: getattr(batch, part) for column, part in _COLUMNS.items()}
    if is_postgres(connection):
        try:  # COPY is half as fast again as INSERT, but stops at the first repeat
            with connection.begin_nested():
                insert(connection, events, rows)
            return np.ones(len(batch.keys), np.bool_)
        except psycopg.errors.UniqueViolation:
            pass
    return insert_missing(connection, events, rows, ["key"])


def read(connection: Connection, after: Offset, limit: int) -> Logged:
    """Up to `limit` events of all partitions past `after` that no open transaction can still precede.

    PostgreSQL hands out positions before it commits, so position order is not commit order; we go by
    the writing transaction and stop before the oldest that is open.
    """
    return logged(connection, _settled(connection, _past(connection, after)).limit(limit))


def read_partition(connection: Connection, partition: int, after: Offset, limit: int) -> Logged:
    """The same for one partition.  On SQLite this scans all, so there one reads all at once."""
    past = _settled(connection, _past(connection, after)).where(events.c.partition == partition)
    return logged(connection, past.limit(limit))


def at(connection: Connection, positions: Ints) -> Logged:
    """The events at these positions, in order of (xid, position); those that are gone are left out."""
    return logged(connection, _ordered().where(among(connection, events.c.position, positions)))


def logged(connection: Connection, chosen: Select[Any]) -> Logged:
    """The events that a select of all their columns answers, in its order."""
    rows = fetch(connection, chosen)
    return Logged(
        xids=rows["xid"],
        positions=rows["position"],
        **{part: rows[column] for column, part in _COLUMNS.items()},
    )


def restamp(connection: Connection, positions: Ints, received: Ints) -> None:
    """Say that events were met later: after all that their customer had met (see partitions.met)."""
    update(connection, events, {"position": positions, "received": received}, ["position"])


def move(connection: Connection, positions: Ints, partitions: Ints) -> None:
    """Hand events to other partitions, as if they were appended now: their customer was merged away.

    On SQLite one tick reads all partitions, so it can take them where it finds them.
    """
    also = "xid = pg_current_xact_id()::text::bigint" if is_postgres(connection) else ""
    update(connection, events, {"position": positions, "partition": partitions}, ["position"], also=also)


def prune(connection: Connection, partition: int, sealed: Offset, before: int, limit: int = 50_000) -> int:
    """Delete events of one partition that are sealed and were received before an instant; how many.

    The newest event of all stays, so that SQLite never gives its position again.
    """
    chosen = (
        sa.select(events.c.position)
        .where(events.c.partition == partition, events.c.received < before)
        .where(sa.tuple_(events.c.xid, events.c.position) <= sa.tuple_(sealed.xid, sealed.position))
        .where(events.c.position < sa.select(sa.func.max(events.c.position)).scalar_subquery())
        .limit(limit)
    )
    return connection.execute(sa.delete(events).where(events.c.position.in_(chosen))).rowcount


_COLUMNS = {
    "partition": "partitions",
    "subject": "subjects",
    "key": "keys",
    "run": "runs",
    "name": "names",
    "happened": "happened",
    "received": "received",
    "origin": "origins",
    "properties": "properties",
    "traits": "traits",
}
"""Column of the table → field of Events."""


def _ordered() -> Select[Any]:
    return sa.select(events).order_by(events.c.xid, events.c.position)


def _past(connection: Connection, after: Offset) -> Select[Any]:
    if not is_postgres(connection):
        return sa.select(events).order_by(events.c.position).where(events.c.position > after.position)
    return _ordered().where(sa.tuple_(events.c.xid, events.c.position) > sa.tuple_(after.xid, after.position))


def _settled(connection: Connection, past: Select[Any]) -> Select[Any]:
    return past.where(SETTLED) if is_postgres(connection) else past
