"""Codes of incentives: pools that were imported, each code given out once and for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import among, fetch, insert_missing, update
from sojourn.store.tables import codes
from sojourn.tape.tape import Ints


def load(connection: Connection, pool: str, new: Sequence[str]) -> int:
    """Add codes to a pool; how many were not there yet."""
    rows = {"pool": [pool] * len(new), "code": list(new)}
    return int(insert_missing(connection, codes, rows, ["pool", "code"]).sum())


def allot(connection: Connection, pool: str, keys: Ints) -> npt.NDArray[Any]:
    """A code for each effect, object[n], '' where the pool has no more; a repeat gets the same again."""
    held = sa.select(codes.c.taken, codes.c.code).where(among(connection, codes.c.taken, keys))
    held = held.where(codes.c.pool == pool)
    known: dict[int, str] = {int(key): code for key, code in connection.execute(held)}
    asking = np.array([key for key in keys.tolist() if key not in known], np.int64)
    if len(asking):
        free = sa.select(codes.c.id, codes.c.code).where(codes.c.pool == pool, codes.c.taken == 0)
        free = free.order_by(codes.c.id).limit(len(asking)).with_for_update()
        found = fetch(connection, free)
        taken = asking[: len(found["id"])]
        update(connection, codes, {"taken": taken, "id": found["id"]}, ["id"])
        known |= dict(zip(taken.tolist(), found["code"], strict=True))
    return np.array([known.get(key, "") for key in keys.tolist()], np.object_)


def left(connection: Connection) -> dict[str, tuple[int, int]]:
    """How many codes of each pool are free, and how many there are."""
    free = sa.func.sum(sa.case((codes.c.taken == 0, 1), else_=0))
    chosen = sa.select(codes.c.pool, free, sa.func.count()).group_by(codes.c.pool)
    return {pool: (int(some), int(every)) for pool, some, every in connection.execute(chosen)}
