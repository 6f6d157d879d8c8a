"""The log: events in the order in which they were committed, read past an offset by those who follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.sql.selectable import ReturnsRows

from sojourn.errors import Conflict
from sojourn.store.access.query import Query, one_of
from sojourn.store.access.rows import among, fetch, insert_missing, is_postgres, taken, update
from sojourn.store.tables import NEVER, PARTITIONS, effects, events, offsets, partitions, runs
from sojourn.tape.tape import Bools, Ints


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
    origins: Ints  # int64[n], by whose word: ingest.event.Origin
    properties: Sequence[str]  # n JSON objects
    traits: Sequence[str]  # n JSON objects, empty text where there are none


@dataclass(frozen=True, eq=False)
class Logged(Events):
    """n events as they stand in the log, in order of (xid, position)."""

    xids: Ints  # int64[n], 0 on SQLite, where positions alone are in commit order
    positions: Ints  # int64[n]

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: Ints) -> Logged:
        """The events at these rows of this."""
        return taken(self, rows)


class Place(Protocol):
    """Offsets of k partitions."""

    @property
    def read_xids(self) -> Ints: ...

    @property
    def read_positions(self) -> Ints: ...


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
    return insert_missing(connection, events, rows, ["key"])


def read(connection: Connection, after: Offset, limit: int) -> Logged:
    """The next events of all partitions past `after`, about `limit`, none skipped; empty when there are none.

    PostgreSQL hands out positions before it commits, so position order is not commit order; we go by
    the writing transaction and stop before the oldest that is open.
    """
    if not is_postgres(connection):
        past = sa.select(events).where(events.c.position > after.position)
        return _logged(connection, past.order_by(events.c.position).limit(limit))
    every = np.arange(PARTITIONS)
    each = -(-limit // PARTITIONS) * 2  # partitions are hashes: twice the mean rarely cuts one short
    found = read_partitions(connection, every, every * 0 + after.xid, every * 0 + after.position, each)
    return _complete(found, each)


def read_partitions(connection: Connection, ids: Ints, xids: Ints, positions: Ints, each: int) -> Logged:
    """Up to `each` events of each of k partitions past its own offset, in log order."""
    past = sa.text(_PAST).columns(*events.c).bindparams(ids=ids, xids=xids, positions=positions, each=each)
    return _logged(connection, past)


def end(connection: Connection, after: int, limit: int) -> int:
    """On SQLite: a position with about `limit` events, or all there are, between it and another."""
    rows = _ENDS_OF_ALL(connection, after=after)
    return int(min(rows["first"][0] + limit - 1, rows["last"][0]))


def ends(connection: Connection, ids: Ints, xids: Ints, positions: Ints, each: int) -> dict[str, Ints]:
    """On PostgreSQL: id, xid and position of the last of up to `each` events past each partition's offset."""
    return _ENDS_OF_EACH(connection, ids=ids, xids=xids, positions=positions, each=each)


def between(connection: Connection, after: int, last: int, names: Ints | None) -> Logged:
    """On SQLite: the events after one position up to another that have a name (None: any) or carry traits."""
    return _of(_BETWEEN(connection, after=after, last=last, names=names))


def between_each(connection: Connection, ids: Ints, since: Place, until: Place, names: Ints | None) -> Logged:
    """On PostgreSQL: the same of each of k partitions, between offsets of its own."""
    rows = _BETWEEN_EACH(
        connection,
        ids=ids,
        xids=since.read_xids,
        positions=since.read_positions,
        last_xids=until.read_xids,
        last_positions=until.read_positions,
        names=names,
    )
    return _of(rows)


def held_back(connection: Connection) -> bool:
    """Whether there are events that cannot be read yet, since an open transaction may precede them.

    Nobody rings when that one ends, so whoever waits for news must look again soon.
    """
    if not is_postgres(connection):
        return False
    newest = sa.select(sa.func.max(events.c.xid)).where(events.c.partition == partitions.c.id)
    ahead = newest.scalar_subquery() >= sa.literal_column(_OPEN)  # a look into the index for each partition
    return connection.scalar(sa.select(partitions.c.id).where(ahead).limit(1)) is not None


def by_key(connection: Connection, keys: Ints) -> Logged:
    """The events with these keys, in order of (xid, position); those that are gone are left out."""
    return _logged(
        connection,
        sa.select(events)
        .where(among(connection, events.c.key, keys))
        .order_by(events.c.xid, events.c.position),
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


def prune(connection: Connection, sealed: Offset, before: int, past: int = 0, limit: int = 50_000) -> int:
    """Delete events that are sealed and were received before an instant, among the next past a position.

    Answers the position to go on from, 0 when there is nothing more to delete.  The newest event of
    all stays, so that SQLite never gives its position again; so do those by which somebody entered who is
    inside or has a message that is not made yet: it may speak of them.
    """
    newest = sa.select(sa.func.max(events.c.position)).scalar_subquery()
    old = sa.and_(
        events.c.received < before,
        sa.tuple_(events.c.xid, events.c.position) <= sa.tuple_(sealed.xid, sealed.position),
        events.c.position < newest,
    )
    some = sa.select(events.c.position, old.label("old")).where(events.c.position > past)
    next_ones = some.order_by(events.c.position).limit(limit).subquery()
    last = connection.scalar(sa.select(sa.func.max(next_ones.c.position)).where(next_ones.c.old)) or 0
    chosen = sa.delete(events).where(events.c.position > past, events.c.position <= last, old)
    connection.execute(chosen.where(events.c.key.not_in(_STILL_TOLD)))
    return int(last)


def offset(connection: Connection, name: str) -> Offset:
    """How far a named reader of the log has come."""
    found = connection.execute(sa.select(offsets.c.xid, offsets.c.position).where(offsets.c.name == name))
    return Offset(*(found.one_or_none() or ()))


def advance(connection: Connection, name: str, to: Offset, since: Offset | None = None) -> None:
    """Write how far a named reader of the log has come.

    Raises Conflict where it stands elsewhere than `since`: another process has read on.
    """
    mine = sa.delete(offsets).where(offsets.c.name == name)
    if since is not None:
        mine = mine.where(offsets.c.xid == since.xid, offsets.c.position == since.position)
    moved = connection.execute(mine).rowcount
    rows = {"name": [name], "xid": np.array([to.xid]), "position": np.array([to.position])}
    new = insert_missing(connection, offsets, rows, ["name"])[0]
    if not new or (since not in (None, Offset()) and not moved):
        raise Conflict(f"another process has read on as {name!r}")


def newest(connection: Connection) -> int:
    """The position of the newest event of all, 0 if there is none."""
    return int(connection.scalar(sa.select(sa.func.max(events.c.position))) or 0)


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


_UNSENT = sa.union_all(  # as the partial indexes say it
    *(sa.select(effects.c.run).where(sa.text(f"effects.state IN ({states})")) for states in ("0, 4", "1, 2"))
)
_STILL_TOLD = sa.select(runs.c.entry_key).where((runs.c.left == NEVER) | runs.c.id.in_(_UNSENT))
"""The keys of entering events that a message may yet speak of: from its first attempt on it is frozen."""

_OPEN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
READABLE = events.c.xid < sa.literal_column(_OPEN)
"""On PostgreSQL: no open transaction can still commit an event before this one."""

_PAST = f"""
SELECT news.* FROM unnest(CAST(:ids AS bigint[]), CAST(:xids AS bigint[]), CAST(:positions AS bigint[]))
    AS past(id, xid, position)
CROSS JOIN LATERAL (
    SELECT {", ".join(events.c.keys())} FROM events
    WHERE events.partition = past.id AND (events.xid, events.position) > (past.xid, past.position)
    AND events.xid < {_OPEN}
    ORDER BY events.xid, events.position LIMIT :each
) AS news ORDER BY news.xid, news.position
"""


_ENDS_OF_ALL = Query(
    sa.select(
        sa.func.coalesce(sa.func.min(events.c.position), 0).label("first"),
        sa.func.coalesce(sa.select(sa.func.max(events.c.position)).scalar_subquery(), 0).label("last"),
    ).where(events.c.position > sa.bindparam("after"))
)

_ENDS_OF_EACH = Query(
    sa.text(f"""
SELECT past.id, last.xid, last.position
FROM unnest(CAST(:ids AS bigint[]), CAST(:xids AS bigint[]), CAST(:positions AS bigint[]))
    AS past(id, xid, position)
CROSS JOIN LATERAL (
    SELECT xid, position FROM (
        SELECT xid, position FROM events
        WHERE events.partition = past.id AND (events.xid, events.position) > (past.xid, past.position)
        AND events.xid < {_OPEN}
        ORDER BY events.xid, events.position LIMIT :each
    ) AS ahead ORDER BY xid DESC, position DESC LIMIT 1
) AS last
""").columns(id=sa.BigInteger, xid=sa.BigInteger, position=sa.BigInteger)
)

_BETWEEN = Query(
    sa.select(events)
    .where(events.c.position > sa.bindparam("after"), events.c.position <= sa.bindparam("last"))
    .where(sa.bindparam("names").is_(None) | one_of(events.c.name, "names") | (events.c.traits != ""))
    .order_by(events.c.position)
)

_BETWEEN_EACH = Query(
    sa.text(f"""
SELECT news.* FROM unnest(
    CAST(:ids AS bigint[]), CAST(:xids AS bigint[]), CAST(:positions AS bigint[]),
    CAST(:last_xids AS bigint[]), CAST(:last_positions AS bigint[])
) AS past(id, xid, position, last_xid, last_position)
CROSS JOIN LATERAL (
    SELECT {", ".join(events.c.keys())} FROM events
    WHERE events.partition = past.id AND (events.xid, events.position) > (past.xid, past.position)
    AND (events.xid, events.position) <= (past.last_xid, past.last_position)
    AND (CAST(:names AS bigint[]) IS NULL OR events.name = ANY(CAST(:names AS bigint[]))
         OR events.traits <> '')
) AS news ORDER BY news.xid, news.position
""").columns(*events.c)
)


def _complete(found: Logged, each: int) -> Logged:
    """Without what comes after the end of a partition that was cut short: before that nothing is missing."""
    counts = np.bincount(found.partitions, minlength=PARTITIONS)
    ends = [np.flatnonzero(found.partitions == cut)[-1] for cut in np.flatnonzero(counts == each)]
    return found.take(np.arange(min(ends) + 1)) if ends else found


def _logged(connection: Connection, chosen: ReturnsRows) -> Logged:
    return _of(fetch(connection, chosen))


def _of(rows: dict[str, Any]) -> Logged:
    parts = {part: rows[column] for column, part in _COLUMNS.items()}
    return Logged(xids=rows["xid"], positions=rows["position"], **parts)
