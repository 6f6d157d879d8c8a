"""Makes the kept customer a member wherever either was; their segments are asked anew by the next tick."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.runtime.belonging import bitmap
from sojourn.store.definitions import segments
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.tape import Ints


def join(connection: Connection, partitions: Ints, merged: Sequence[tuple[int, int]]) -> None:
    """Move the memberships of each pair (merged, kept), whose partitions the caller holds."""
    if not merged:
        return
    before = segments.membership(connection, partitions)
    now = dict(before)
    for gone, kept in merged:
        for segment in {segment for segment, _ in before}:
            place, other = (segment, gone % PARTITIONS), (segment, kept % PARTITIONS)
            if place in now and bitmap.holds(now[place].members, np.array([gone]))[0]:
                now[place] = _put(now[place], gone, inside=False)
                if other in now:
                    now[other] = _put(now[other], kept, inside=True)
    segments.set_membership(connection, {key: row for key, row in now.items() if row != before[key]})


def _put(row: segments.Membership, customer: int, *, inside: bool) -> segments.Membership:
    packed = bitmap.changed(row.members, np.array([customer]), np.array([inside]))
    return msgspec.structs.replace(row, members=packed)
