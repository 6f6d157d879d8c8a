"""Counts per version and step: how often what happened, kept in the transaction in which it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import add
from sojourn.store.tables import counts
from sojourn.tape.tape import Ints

Counted = tuple[int, int, str, str]
"""Version, step, what (visit, exit, left …) and its name (the exit, the reason …)."""


def count(connection: Connection, shard: int, more: Mapping[Counted, int]) -> None:
    """Add to counts.  `shard` is a partition that the caller holds, so that no two transactions meet."""
    if not more:
        return
    keys = sorted(more)
    integers = np.array(
        [(version, step, more[version, step, what, name]) for version, step, what, name in keys]
    )
    rows: dict[str, Ints | Sequence[str]] = {
        "shard": np.full(len(keys), shard),
        "version": integers[:, 0],
        "step": integers[:, 1],
        "what": [key[2] for key in keys],
        "name": [key[3] for key in keys],
        "n": integers[:, 2],
    }
    add(connection, counts, rows, ["shard", "version", "step", "what", "name"], "n")


def total(connection: Connection, what: str) -> int:
    """How often something happened in all versions together."""
    return int(connection.scalar(sa.select(sa.func.sum(counts.c.n)).where(counts.c.what == what)) or 0)


def of_version(connection: Connection, version: int) -> dict[Counted, int]:
    """All counts of one version."""
    summed = sa.select(counts.c.version, counts.c.step, counts.c.what, counts.c.name, sa.func.sum(counts.c.n))
    summed = summed.where(counts.c.version == version)
    found = connection.execute(summed.group_by(counts.c.version, counts.c.step, counts.c.what, counts.c.name))
    return {(v, step, what, name): int(n) for v, step, what, name, n in found}
