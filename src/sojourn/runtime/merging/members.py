"""Makes the kept customer a member wherever either was; their segments are asked anew by the next tick."""

from __future__ import annotations

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.runtime.belonging import bitmap
from sojourn.store.definitions import segments
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.tape import Ints


def join(connection: Connection, partitions: Ints, gone: Ints, kept: Ints) -> None:
    """Move what each of k merged customers belongs to to the one that is kept; the caller holds both."""
    before = segments.membership(connection, partitions)
    now = dict(before)
    for (segment, partition), row in before.items():
        here = np.flatnonzero(gone % PARTITIONS == partition)
        inside = here[bitmap.holds(row.members, gone[here])]
        _put(now, segment, gone[inside], inside=False)
        _put(now, segment, kept[inside], inside=True)
    segments.set_membership(connection, {key: row for key, row in now.items() if row != before[key]})


def _put(rows: dict[tuple[int, int], segments.Membership], segment: int, them: Ints, *, inside: bool) -> None:
    """Write that these customers belong to the segment, or do not, where that is followed already."""
    for partition in np.unique(them % PARTITIONS).tolist():
        row = rows.get((segment, partition))
        if row is not None:
            mine = np.unique(them[them % PARTITIONS == partition])
            packed = bitmap.changed(row.members, mine, np.full(len(mine), inside))
            rows[segment, partition] = msgspec.structs.replace(row, members=packed)
