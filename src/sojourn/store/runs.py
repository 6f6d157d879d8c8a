"""Runs: where each customer stands in a version of a journey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection, Select

from sojourn.store.access.query import Query, one_of
from sojourn.store.access.rows import among, fetch, insert_missing, is_postgres, taken, update
from sojourn.store.tables import NEVER, PARTITIONS, partitions, runs
from sojourn.tape.distinct import distinct
from sojourn.tape.tape import Bools, Ints


@dataclass(frozen=True, eq=False)
class Runs:
    """n runs, by column; texts are sequences of n."""

    ids: Ints  # int64[n]
    versions: Ints  # int64[n]
    journeys: Ints  # int64[n]
    customers: Ints  # int64[n]
    partitions: Ints  # int64[n]
    slots: Ints  # int64[n], hash of the value that keys re-entry, 0 when not keyed
    steps: Ints  # int64[n]
    hops: Ints  # int64[n]
    entered: Ints  # int64[n], microseconds UTC, as are the next four
    since: Ints
    due: Ints  # NEVER when nothing comes by time alone
    seen: Ints
    left: Ints  # NEVER while inside
    reasons: Sequence[str]
    entry_keys: Ints  # int64[n], the entering event

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Ints) -> Runs:
        """The runs at these rows of this."""
        return taken(self, rows)


def enter(connection: Connection, entering: Runs) -> Bools:
    """Write new runs; answers which of the n were new, bool[n] (the others had entered before)."""
    return insert_missing(connection, runs, _rows(entering, _COLUMNS), ["id"])


def save(connection: Connection, moved: Runs) -> None:
    """Write where runs stand now: all that may change after they entered."""
    update(connection, runs, _rows(moved, _CHANGING), ["id"])


def due(connection: Connection, partitions: Ints, now: int, limit: int) -> Ints:
    """The customers of the runs in these partitions that time moves at `now`, of at most about `limit` runs.

    Each partition has its share of the limit, for the runs that are due first; so however many are
    due, no more of them are read.
    """
    asked = _DUE_BY_LATERAL if is_postgres(connection) else _DUE_BY_LISTS
    each = -(-limit // max(len(partitions), 1))
    return distinct(asked(connection, partitions=partitions, now=now, each=each)["customer"])


def next_due(connection: Connection, partitions: Ints) -> Ints:
    """The earliest due instant of the runs of each of k partitions (by id), int64[k], NEVER if none."""
    return np.asarray(_NEXT_DUE(connection, partitions=partitions)["due"])


def of_customers(connection: Connection, customers: Ints, *, inside: bool = True) -> Runs:
    """All runs of these customers, by default only those that have not left, in order of entering."""
    chosen = sa.select(runs).where(among(connection, runs.c.customer, customers))
    if inside:
        chosen = chosen.where(runs.c.left == NEVER)
    return _fetch(connection, chosen.order_by(runs.c.entered, runs.c.id))


def standing(connection: Connection, customers: Ints, entering: Sequence[int]) -> Runs:
    """Where these customers stand: their runs inside any journey and, of journeys that some may be
    entering, of each slot that nobody is inside the run that entered last; in any order.

    Why they have left is not told.
    """
    rows = _STANDING(connection, customers=customers, entering=np.array(entering, np.int64))
    found = _of(rows | {"partition": rows["customer"] % PARTITIONS, "reason": [""] * len(rows["id"])})
    if len(distinct(found.customers)) == len(found):
        return found
    inside = found.left == NEVER  # goes before a later one that has left: of another customer, merged since
    order = np.lexsort((found.ids, found.entered, inside, found.slots, found.journeys, found.customers))
    slots = np.stack((found.customers, found.journeys, found.slots))[:, order]
    last = np.append((np.diff(slots, axis=1) != 0).any(axis=0), True)[: len(order)]
    return found.take(order[last])


def of_journey(connection: Connection, journey: int) -> Runs:
    """The runs inside a journey, in order of id."""
    chosen = sa.select(runs).where(runs.c.journey == journey, runs.c.left == NEVER)
    return _fetch(connection, chosen.order_by(runs.c.id))


def rest(connection: Connection, journey: int) -> None:
    """Let time move nobody inside a journey until `wake`."""
    standing = sa.update(runs).where(runs.c.journey == journey, runs.c.left == NEVER)
    connection.execute(standing.values(due=NEVER))


def wake(
    connection: Connection, version: int, due: int, shift: int | None, *, keeping: list[int], anew: list[int]
) -> None:
    """Have the step of everybody inside a version answer anew at `due`.

    They have stood there `shift` microseconds less, with None just since then; not so on the steps
    `keeping`.  On the steps `anew` they arrive then, and so does who was about to arrive somewhere.
    """
    since = sa.case(
        ((runs.c.since > runs.c.seen) | runs.c.step.in_(anew), due),
        (runs.c.step.in_(keeping), runs.c.since),
        else_=due - 1 if shift is None else runs.c.since + shift,
    )
    standing = sa.update(runs).where(runs.c.version == version, runs.c.left == NEVER)
    connection.execute(standing.values(due=due, since=since))


def inside(connection: Connection, journey: int) -> dict[tuple[int, int], int]:
    """How many runs are inside a journey, by version and number of the step."""
    standing = sa.select(runs.c.version, runs.c.step, sa.func.count())
    chosen = standing.where(runs.c.journey == journey, runs.c.left == NEVER)
    rows = connection.execute(chosen.group_by(runs.c.version, runs.c.step))
    return {(version, step): int(count) for version, step, count in rows}


def take_over(connection: Connection, ids: Ints, customers: Ints) -> None:
    """Give each of n runs to another customer: theirs was merged into it, or is there again."""
    update(connection, runs, {"id": ids, "customer": customers, "partition": customers % PARTITIONS}, ["id"])


_COLUMNS = {
    "id": "ids",
    "version": "versions",
    "journey": "journeys",
    "customer": "customers",
    "partition": "partitions",
    "slot": "slots",
    "step": "steps",
    "hop": "hops",
    "entered": "entered",
    "since": "since",
    "due": "due",
    "seen": "seen",
    "left": "left",
    "reason": "reasons",
    "entry_key": "entry_keys",
}
"""Column of the table → field of Runs."""

_CHANGING = ("id", "version", "step", "hop", "since", "due", "seen", "left", "reason")
_DUE = sa.text(f"runs.due < {NEVER}")  # as the partial index says it, so that it is used


_DUE_FIRST = (
    sa.select(runs.c.customer)
    .where(_DUE, runs.c.partition == partitions.c.id, runs.c.due <= sa.bindparam("now"))
    .order_by(runs.c.due)
    .limit(sa.bindparam("each"))
    .correlate(partitions)
)
_DUE_LATERAL = _DUE_FIRST.lateral()
_DUE_BY_LATERAL = Query(
    sa.select(_DUE_LATERAL.c.customer)
    .select_from(partitions.join(_DUE_LATERAL, sa.true()))
    .where(one_of(partitions.c.id, "partitions"))
)
_DUE_BY_LISTS = Query(  # SQLite knows no LATERAL: a list of numbers a partition, which Query puts together
    sa.select(
        sa.select(sa.func.group_concat(_DUE_FIRST.subquery().c.customer, type_=sa.Integer))
        .scalar_subquery()
        .label("customer")
    ).where(one_of(partitions.c.id, "partitions"))
)
_NEXT_DUE = Query(  # a look into the index for each partition, however many runs wait
    sa.select(
        sa.func.coalesce(
            sa.select(sa.func.min(runs.c.due))
            .where(_DUE, runs.c.partition == partitions.c.id)
            .correlate(partitions)
            .scalar_subquery(),
            NEVER,
        ).label("due")
    )
    .where(one_of(partitions.c.id, "partitions"))
    .order_by(partitions.c.id)
)
_STANDING = Query(  # texts, and what can be reckoned, take their time
    sa.select(*(runs.c[name] for name in _COLUMNS if name not in ("partition", "reason"))).where(
        one_of(runs.c.customer, "customers"),
        (runs.c.left == NEVER) | one_of(runs.c.journey, "entering"),
    )
)


def _rows(some: Runs, columns: Sequence[str] | dict[str, str]) -> dict[str, Any]:
    return {column: getattr(some, _COLUMNS[column]) for column in columns}


def _fetch(connection: Connection, chosen: Select[Any]) -> Runs:
    return _of(fetch(connection, chosen))


def _of(rows: dict[str, Any]) -> Runs:
    return Runs(**{field.name: rows[column] for column, field in zip(_COLUMNS, fields(Runs), strict=True)})
