"""Segments: named rules, and who is in them, a bitmap a partition with the instant until which it holds."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.errors import Conflict, NotFound
from sojourn.store.definitions.stamp import changed
from sojourn.store.tables import NEVER, memberships, segments


class Segment(msgspec.Struct, frozen=True):
    """A named rule; `version` counts its changes."""

    id: int
    name: str
    rule: str  # JSON
    version: int
    updated: int  # microseconds UTC


class Membership(msgspec.Struct, frozen=True):
    """Who of one partition is in a segment, by the rule's `version`."""

    members: bytes  # as the driver packs it
    version: int
    horizon: int = NEVER  # microseconds UTC: when time alone may change it


def save(connection: Connection, name: str, rule: str, now: int, *, match: int | None = None) -> Segment:
    """Write a segment's rule; raises Conflict when it has another version than `match`, which was read."""
    present = connection.execute(sa.select(segments).where(segments.c.name == name)).one_or_none()
    if match is not None and match != (present.version if present else 0):
        raise Conflict(f"segment {name!r} has been changed since it was read")
    if present is None:
        connection.execute(sa.insert(segments).values(name=name, rule=rule, updated=now))
    else:
        same = sa.update(segments).where(segments.c.id == present.id)
        connection.execute(same.values(rule=rule, updated=now, version=segments.c.version + 1))
    changed(connection)
    return find(connection, name)


def find(connection: Connection, name: str) -> Segment:
    """The segment of that name; raises NotFound."""
    found = connection.execute(sa.select(segments).where(segments.c.name == name)).one_or_none()
    if found is None:
        raise NotFound(f"there is no segment {name!r}")
    return Segment(*found)


def every(connection: Connection) -> list[Segment]:
    """All segments, by name."""
    return [Segment(*row) for row in connection.execute(sa.select(segments).order_by(segments.c.name))]


def remove(connection: Connection, name: str) -> None:
    """Remove a segment and its memberships; raises NotFound."""
    gone = find(connection, name).id
    connection.execute(sa.delete(memberships).where(memberships.c.segment == gone))
    connection.execute(sa.delete(segments).where(segments.c.id == gone))
    changed(connection)


def membership(connection: Connection, partition: int) -> dict[int, Membership]:
    """The memberships of one partition, by the id of the segment."""
    chosen = sa.select(memberships).where(memberships.c.partition == partition)
    return {
        row.segment: Membership(row.members, row.version, row.horizon) for row in connection.execute(chosen)
    }


def set_membership(connection: Connection, segment: int, partition: int, held: Membership) -> None:
    """Write who of one partition is in a segment; the caller holds the partition."""
    mine = (memberships.c.segment == segment) & (memberships.c.partition == partition)
    values = {"members": held.members, "version": held.version, "horizon": held.horizon}
    if not connection.execute(sa.update(memberships).where(mine).values(values)).rowcount:
        connection.execute(sa.insert(memberships).values(segment=segment, partition=partition, **values))


def next_horizon(connection: Connection, partition: int) -> int:
    """The earliest instant at which time alone may change a membership of one partition; NEVER if none."""
    earliest = sa.select(sa.func.min(memberships.c.horizon)).where(memberships.c.partition == partition)
    return int(connection.scalar(earliest) or NEVER)
