"""Rates: how fast something may go, held by all workers together and across restarts (P27)."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import insert_missing
from sojourn.store.tables import rates
from sojourn.tape.tape import Ints

_SECOND = 1_000_000


def reserve(connection: Connection, name: str, count: int, per_second: float, now: int) -> Ints:
    """The instants, microseconds UTC, increasing, at which `count` sends may start, none before `now`.

    They stand evenly apart, so that no second holds more than `per_second` of them; what is reserved
    is gone, used or not: reserve only what starts soon.  (The generic cell rate algorithm of ITU-T
    I.371, without burst.)
    """
    insert_missing(connection, rates, {"name": [name], "ready": np.zeros(1, np.int64)}, ["name"])
    row = sa.select(rates.c.ready).where(rates.c.name == name).with_for_update()
    first = max(now, int(connection.scalar(row) or 0))
    apart = -int(-_SECOND // per_second)
    connection.execute(sa.update(rates).where(rates.c.name == name).values(ready=first + count * apart))
    return first + np.arange(count) * apart
