"""The list of the lake's segments: what is listed is the lake, whatever files lie there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.errors import Conflict
from sojourn.store.files.tables import lake_segments


class Listed(msgspec.Struct, frozen=True):
    """The entry of one segment, as the lake makes it (its `Segment` has the same fields)."""

    name: str
    bucket: int
    generation: int
    first: int  # the range of the log that it was sealed from
    last: int
    earliest: int  # microseconds UTC: when its events happened
    latest: int
    rows: int
    bytes: int


def every(connection: Connection) -> list[Listed]:
    """All segments, by bucket and range."""
    chosen = sa.select(*_COLUMNS).order_by(
        lake_segments.c.bucket, lake_segments.c.first, lake_segments.c.name
    )
    return [Listed(*row) for row in connection.execute(chosen)]


def swap(connection: Connection, new: Iterable[msgspec.Struct], gone: Sequence[str] = ()) -> None:
    """List segments in place of others, in this transaction.

    One that is listed already is left as it is: a range sealed again is the same file.  Raises
    Conflict when one of `gone` is not listed any more: another process has replaced it.
    """
    if gone:
        removed = connection.execute(sa.delete(lake_segments).where(lake_segments.c.name.in_(gone))).rowcount
        if removed != len(gone):
            raise Conflict(f"of {len(gone)} segments to be replaced {len(gone) - removed} are listed no more")
    known = set(connection.scalars(sa.select(lake_segments.c.name)))
    rows = [row for row in map(msgspec.structs.asdict, new) if row["name"] not in known]
    if rows:
        connection.execute(sa.insert(lake_segments), rows)


_COLUMNS = tuple(lake_segments.c[name] for name in Listed.__struct_fields__)
