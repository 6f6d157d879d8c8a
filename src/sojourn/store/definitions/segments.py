"""Segments: named rules, and who is in them, a bitmap a partition with the instant until which it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from sojourn.errors import Conflict, NotFound
from sojourn.store.access.rows import fetch, is_postgres
from sojourn.store.definitions.stamp import changed
from sojourn.store.tables import NEVER, memberships, segments
from sojourn.tape.tape import Ints

ALL = 0
"""Stands for all segments of a partition: its row says by which definitions, and the earliest horizon."""


class Segment(msgspec.Struct, frozen=True):
    """A named rule; `version` counts its changes, `text` is the YAML that says it, if a person wrote one."""

    id: int
    name: str
    rule: str  # JSON
    version: int
    updated: int  # microseconds UTC
    text: str = ""


class Membership(msgspec.Struct, frozen=True):
    """Who of one partition is in a segment, by the rule's `version`."""

    members: bytes  # as the driver packs it
    version: int
    horizon: int = NEVER  # microseconds UTC: when time alone may change it


def save(
    connection: Connection, name: str, rule: str, now: int, *, text: str = "", match: int | None = None
) -> Segment:
    """Write a segment's rule; raises Conflict when it has another version than `match`, which was read."""
    present = connection.execute(sa.select(segments).where(segments.c.name == name)).one_or_none()
    if match is not None and match != (present.version if present else 0):
        raise Conflict(f"segment {name!r} has been changed since it was read")
    if present is None:
        connection.execute(sa.insert(segments).values(name=name, rule=rule, updated=now, text=text))
    else:
        same = sa.update(segments).where(segments.c.id == present.id)
        # Other words for the same rule are no change: nobody has to be asked again.
        change = {"updated": now, "version": present.version + 1} if rule != present.rule else {}
        connection.execute(same.values(rule=rule, text=text, **change))
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


def outlooks(connection: Connection, partitions: Ints) -> tuple[Ints, Ints]:
    """By which definitions each of k partitions (increasing) was followed, and the earliest instant at which
    time alone may change who is in a segment; int64[k] each, 0 and NEVER where nobody was followed yet."""
    shown = sa.select(memberships.c.partition, memberships.c.version, memberships.c.horizon)
    rows = fetch(connection, shown.where(memberships.c.segment == ALL, _of(partitions)))
    versions, horizons = np.zeros(len(partitions), np.int64), np.full(len(partitions), NEVER)
    places = np.searchsorted(partitions, rows["partition"])
    versions[places], horizons[places] = rows["version"], rows["horizon"]
    return versions, horizons


def membership(connection: Connection, partitions: Ints) -> dict[tuple[int, int], Membership]:
    """The memberships of these partitions, by the id of the segment (and ALL) and the partition."""
    found = connection.execute(sa.select(memberships).where(_of(partitions)))
    return {(row.segment, row.partition): Membership(row.members, row.version, row.horizon) for row in found}


def forget(connection: Connection, partition: int, but: Collection[int]) -> None:
    """Remove the memberships of a partition that are of none of these ids: nobody follows them any more."""
    gone = (memberships.c.partition == partition) & memberships.c.segment.not_in([ALL, *but])
    connection.execute(sa.delete(memberships).where(gone))


def set_membership(connection: Connection, held: Mapping[tuple[int, int], Membership]) -> None:
    """Write who is in segments, by the id of the segment and the partition, which the caller holds."""
    if not held:
        return
    insert = postgresql.insert if is_postgres(connection) else sqlite.insert
    adding = insert(memberships)
    values = {name: adding.excluded[name] for name in ("members", "version", "horizon")}
    rows = [
        {"segment": segment, "partition": partition, **msgspec.structs.asdict(one)}
        for (segment, partition), one in held.items()
    ]
    connection.execute(adding.on_conflict_do_update(index_elements=_KEY, set_=values), rows)


_KEY = [memberships.c.segment, memberships.c.partition]


def _of(partitions: Ints) -> sa.ColumnElement[bool]:
    return memberships.c.partition.in_(partitions.tolist())
