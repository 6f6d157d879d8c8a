"""Tasks: what journeys ask of the team, until somebody has done it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import among, fetch, insert_missing
from sojourn.store.tables import tasks
from sojourn.tape.tape import Ints


@dataclass(frozen=True, eq=False)
class Tasks:
    """n tasks, each under the key of the effect that asked for it; instants in microseconds UTC."""

    key: Ints  # int64[n]
    customer: Ints  # int64[n]
    run: Ints  # int64[n]
    created: Ints
    due: Ints
    journey: Sequence[str]
    step: Sequence[str]
    title: Sequence[str]
    owner: Sequence[str]  # '' : whoever has the role
    role: Sequence[str]  # '' : anybody
    awaited: Ints  # int64[n], whether the run waits for it
    done: Ints  # int64[n], 0 while it is open
    outcome: Sequence[str]  # what whoever did it said

    def __len__(self) -> int:
        return len(self.key)


_COLUMNS = [one.name for one in fields(Tasks)]


def create(connection: Connection, new: Tasks) -> None:
    """Write new tasks down; those that are there already stay as they are."""
    rows = {name: getattr(new, name) for name in _COLUMNS}
    insert_missing(connection, tasks, rows, ["key"])


def listed(
    connection: Connection, owner: str = "", role: str = "", *, done: bool = False, limit: int = 100
) -> Tasks:
    """The open tasks, the most urgent first, or those `done`; only of an owner or a role if one is named."""
    chosen = sa.select(*(tasks.c[name] for name in _COLUMNS)).where((tasks.c.done > 0) == done)
    if owner:
        chosen = chosen.where(tasks.c.owner == owner)
    if role:
        chosen = chosen.where(tasks.c.role == role)
    return Tasks(**fetch(connection, chosen.order_by(tasks.c.due, tasks.c.key).limit(limit)))


def by_key(connection: Connection, keys: Ints) -> Tasks:
    """The tasks that are there of these."""
    chosen = sa.select(*(tasks.c[name] for name in _COLUMNS)).where(among(connection, tasks.c.key, keys))
    return Tasks(**fetch(connection, chosen))


def finish(connection: Connection, key: int, outcome: str, now: int) -> bool:
    """Note that a task is done; False if it was done before, or never asked for."""
    open_still = sa.update(tasks).where(tasks.c.key == key, tasks.c.done == 0)
    return connection.execute(open_still.values(done=now, outcome=outcome)).rowcount == 1


def late(connection: Connection, now: int) -> bool:
    """Whether there is anything for `overdue` to find."""
    return connection.scalar(sa.select(tasks.c.key).where(*_late(now)).limit(1)) is not None


def overdue(connection: Connection, now: int, limit: int = 1000) -> Tasks:
    """Overdue tasks that no run waits for and of which no tape was told; from now on it counts as told."""
    chosen = sa.select(*(tasks.c[name] for name in _COLUMNS)).where(*_late(now)).limit(limit)
    found = Tasks(**fetch(connection, chosen))
    if len(found):
        told = sa.update(tasks).where(among(connection, tasks.c.key, np.asarray(found.key)))
        connection.execute(told.values(overdue=now))
    return found


def _late(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return tasks.c.done == 0, tasks.c.overdue == 0, tasks.c.awaited == 0, tasks.c.due <= now
