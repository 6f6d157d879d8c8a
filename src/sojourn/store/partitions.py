"""Partitions: which 64th of the customers a tick holds, how far it has read and when it must look again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store import log
from sojourn.store.access.query import Query
from sojourn.store.access.rows import fetch, is_postgres, taken, update
from sojourn.store.log import READABLE, Logged
from sojourn.store.tables import NEVER, PARTITIONS, events, partitions
from sojourn.tape.tape import Bools, Ints

_NONE = np.zeros(0, np.int64)

__all__ = [
    "PARTITIONS",
    "Held",
    "before",
    "earlier",
    "every",
    "lock",
    "lock_these",
    "news",
    "next_due",
    "of",
    "reach",
    "save",
]


@dataclass(frozen=True, eq=False)
class Held:
    """k partitions that one tick has locked, by id."""

    ids: Ints  # int64[k], increasing
    read_xids: Ints  # int64[k], the offset: the last event that was read
    read_positions: Ints  # int64[k]
    met: Ints  # int64[k], the latest received instant that was read
    due: Ints  # int64[k], the earliest instant at which there is work without an event

    def __len__(self) -> int:
        return len(self.ids)


def of(customers: Ints) -> Ints:
    """The partition of each customer, int64[n]."""
    return customers % PARTITIONS


def lock(connection: Connection, now: int, at_most: int, also: Ints = _NONE) -> Held:
    """Lock partitions that have work at `now` or are among `also`; none when others hold all of these.

    PostgreSQL: up to `at_most` rows, those that waited longest first, until the transaction ends.
    SQLite: its one writer holds everything, so it is all 64 as soon as one has work.
    """
    if is_postgres(connection):
        return _lock_some(connection, now, at_most, also)
    held = every(connection)
    newest = _NEWEST(connection)["position"][0]
    works = bool(len(also) or (held.due <= now).any() or newest > held.read_positions.min())
    return held if works else taken(held, _NONE)


def lock_these(connection: Connection, ids: Ints) -> Held:
    """Lock given partitions in order, waiting for whoever holds them (merges, erasure, moves)."""
    chosen = sa.select(partitions).where(partitions.c.id.in_(ids.tolist())).order_by(partitions.c.id)
    return _held(connection, chosen.with_for_update())


def every(connection: Connection) -> Held:
    """All partitions as they are, without holding any."""
    return _of(_EVERY(connection))


def reach(connection: Connection, held: Held, limit: int) -> Held:
    """The offsets after the next events of held partitions, at most about `limit` of them."""
    if is_postgres(connection):
        each = -(-limit // len(held))
        rows = log.ends(connection, held.ids, held.read_xids, held.read_positions, each)
        xids, positions, place = (
            held.read_xids.copy(),
            held.read_positions.copy(),
            np.searchsorted(held.ids, rows["id"]),
        )
        xids[place], positions[place] = rows["xid"], rows["position"]
        return replace(held, read_xids=xids, read_positions=positions)
    end = log.end(connection, int(held.read_positions.min()), limit)
    return replace(held, read_positions=np.maximum(held.read_positions, end))


def news(connection: Connection, since: Held, until: Held, names: Ints | None) -> Logged:
    """The events of held partitions between two offsets: those of these names (None: any) or with traits."""
    if is_postgres(connection):
        return log.between_each(connection, since.ids, since, until, names)
    first, last = int(since.read_positions.min()), int(until.read_positions.max())
    return log.between(connection, first, last, names)


def past_own(connection: Connection, held: Held, own: int) -> Held:
    """The offsets past the `own` events that the tick has appended, of which nobody need hear.

    Only if they are all that is left to be read; on PostgreSQL others may append in between, so there
    they stay to be read.
    """
    if is_postgres(connection):
        return held
    newest = _NEWEST(connection)["position"][0]
    if newest - held.read_positions.max() != own:
        return held
    return replace(held, read_positions=np.full(len(held), newest))


def before(held: Held, other: Held) -> Bools:
    """Of which of the same k partitions the first offsets are the earlier ones, bool[k]."""
    further = held.read_positions < other.read_positions
    found: Bools = np.where(held.read_xids == other.read_xids, further, held.read_xids < other.read_xids)
    return found


def earlier(held: Held, other: Held) -> Held:
    """The offsets of the same partitions, each where it is earlier."""
    first = before(held, other)
    return replace(
        held,
        read_xids=np.where(first, held.read_xids, other.read_xids),
        read_positions=np.where(first, held.read_positions, other.read_positions),
    )


def save(connection: Connection, held: Held) -> None:
    """Write offsets, what was met and what is due of held partitions."""
    rows = {
        "id": held.ids,
        "read_xid": held.read_xids,
        "read_position": held.read_positions,
        "met": held.met,
        "due": held.due,
    }
    ticked = "ticked = pg_current_xact_id()::text::bigint" if is_postgres(connection) else ""
    update(connection, partitions, rows, ["id"], also=ticked)


def next_due(connection: Connection) -> int:
    """The earliest instant at which any partition has work without an event; NEVER if none."""
    return int(connection.scalar(sa.select(sa.func.min(partitions.c.due))) or NEVER)


def _lock_some(connection: Connection, now: int, at_most: int, also: Ints) -> Held:
    unread = (
        sa.exists()
        .where(events.c.partition == partitions.c.id, READABLE)
        .where(
            sa.tuple_(events.c.xid, events.c.position)
            > sa.tuple_(partitions.c.read_xid, partitions.c.read_position)
        )
    )
    asked = partitions.c.id.in_(also.tolist())
    waiting = sa.select(partitions).where((partitions.c.due <= now) | unread | asked).limit(at_most)
    held = _held(
        connection, waiting.with_for_update(skip_locked=True).order_by(partitions.c.ticked, partitions.c.id)
    )
    return taken(held, np.argsort(held.ids))


def _held(connection: Connection, chosen: sa.Select[tuple[int, ...]]) -> Held:
    return _of(fetch(connection, chosen))


def _of(rows: dict[str, Ints]) -> Held:
    return Held(rows["id"], rows["read_xid"], rows["read_position"], rows["met"], rows["due"])


_EVERY = Query(sa.select(partitions).order_by(partitions.c.id))
_NEWEST = Query(sa.select(sa.func.coalesce(sa.func.max(events.c.position), 0).label("position")))
