"""Customers: the subjects that events name, the links between them and whose customer each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from sojourn.customer.identity import Links
from sojourn.customer.merging import Known, Resolution
from sojourn.store.access.query import Query
from sojourn.store.access.rows import among, driver, fetch, insert_missing, is_postgres, update
from sojourn.store.tables import PARTITIONS, merges, subject_links, subjects
from sojourn.tape.tape import Bools, Ints


@dataclass(frozen=True, eq=False)
class Identified:
    """The subject of each of n identities."""

    subjects: Ints  # int64[n]
    customers: Ints  # int64[n], whose customer each is
    born: Bools  # bool[n], made just now: its own customer and its own kin


def find(connection: Connection, identities: Sequence[tuple[str, str]]) -> Identified:
    """The subjects of n identities (kind, value); 0 for those that nobody has named."""
    found = _found(connection, identities)
    table = np.array([found.get(identity, (0, 0)) for identity in identities], np.int64).reshape(-1, 2)
    return Identified(table[:, 0], table[:, 1], np.zeros(len(identities), np.bool_))


def identify(connection: Connection, identities: Sequence[tuple[str, str]], now: int) -> Identified:
    """The subjects of n identities, made where there were none, first seen `now`."""
    found = _found(connection, identities)
    missing = [identity for identity in dict.fromkeys(identities) if identity not in found]
    made = _make(connection, missing, now) if missing else set()
    if missing:  # others may have made some of them meanwhile
        found |= _found(connection, missing)
    table = np.array([found[identity] for identity in identities], np.int64).reshape(-1, 2)
    born = np.fromiter((identity in made for identity in identities), np.bool_, len(identities))
    return Identified(table[:, 0], table[:, 1], born)


def remembered(connection: Connection, pairs: Links) -> Links:
    """What is remembered of these pairs of subjects, in any order."""
    if not len(pairs):
        return pairs
    wanted = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    rows = _links_from(connection, np.unique(pairs.left)).rows()
    return Links.of(row for row in rows if row[:2] in wanted)


def known(connection: Connection, named: Ints, born: Ints) -> Known:
    """All subjects and links of the kins of the named subjects, locked until the transaction ends.

    `born` are the subjects made for this very batch.
    """
    kins = _kins(connection, named)
    mine = sa.select(subjects.c.id).where(_of_kins(connection, kins)).order_by(subjects.c.id)
    locked = _column(connection, mine.with_for_update())
    rows = fetch(connection, sa.select(subjects).where(_of_kins(connection, kins)).order_by(subjects.c.id))
    if not np.array_equal(kins, _kins(connection, named)) or not np.array_equal(locked, rows["id"]):
        return known(connection, named, born)  # kins were joined while we waited for the locks
    return Known(
        subjects=rows["id"],
        kinds=tuple(rows["kind"]),
        customers=rows["customer"],
        kins=rows["kin"],
        links=_links_from(connection, rows["id"]),
        born=np.isin(rows["id"], born),
    )


def carry_out(connection: Connection, resolution: Resolution, now: int) -> None:
    """Write who is who: links, the customer and kin of subjects, and the merges that it means."""
    _remember(connection, resolution.links)
    if len(resolution.subjects):
        moved = {"id": resolution.subjects, "customer": resolution.customers, "kin": resolution.kins}
        update(connection, subjects, moved, ["id"], also=f"changed = {_change(connection)}")
    if len(resolution.splits):
        undone = sa.update(merges).where(
            merges.c.undone == 0, among(connection, merges.c.merged, resolution.splits)
        )
        connection.execute(undone.values(undone=now))
    if resolution.merges:
        rows = [
            {"kept": m.kept, "merged": m.merged, "at": now, "reason": m.reason} for m in resolution.merges
        ]
        connection.execute(sa.insert(merges), rows)


def customers_of(connection: Connection, named: Ints) -> Ints:
    """The customer of each of n subjects, int64[n], 0 where there is none such."""
    rows = fetch(
        connection,
        sa.select(subjects.c.id, subjects.c.customer).where(among(connection, subjects.c.id, named)),
    )
    found = dict(zip(rows["id"].tolist(), rows["customer"].tolist(), strict=True))
    return np.array([found.get(subject, 0) for subject in named.tolist()], np.int64)


def subjects_of(connection: Connection, customer: int) -> dict[str, Any]:
    """The subjects of one customer by column: id, kind, value, first_seen; in order of id."""
    shown = (subjects.c.id, subjects.c.kind, subjects.c.value, subjects.c.first_seen)
    mine = (subjects.c.id == customer) | (_MERGED & (subjects.c.customer == customer))
    chosen = sa.select(*shown).where(mine, subjects.c.customer == customer)
    return fetch(connection, chosen.order_by(subjects.c.id))


def moved_since(connection: Connection, stamp: int) -> tuple[Ints, Ints, int]:
    """Subjects whose customer has changed since an earlier answer, whose each is, and the stamp to give next.

    Stamp 0 asks for all that are not their own customer's from birth; some may be told again.
    """
    following = _next_stamp(connection)  # before we read: what is committed in between is told again
    rows = _MOVED(connection, stamp=stamp)
    return rows["id"], rows["customer"], following


def count(connection: Connection) -> int:
    """How many customers there are."""
    every = sa.select(sa.func.count()).select_from(subjects)
    return int(connection.scalar(every) or 0) - int(connection.scalar(every.where(_MERGED)) or 0)


def of_partitions(connection: Connection, partitions: Ints) -> Ints:
    """All customers of these partitions, in order; a scan of all subjects, for when everybody is meant."""
    here = (subjects.c.id % PARTITIONS).in_(partitions.tolist())
    own = sa.select(subjects.c.id).where(subjects.c.customer == subjects.c.id, here)
    return _column(connection, own.order_by(subjects.c.id))


def page(connection: Connection, after: int, limit: int) -> Ints:
    """Customers with ids beyond `after`, in order."""
    own = sa.select(subjects.c.id).where(subjects.c.id > after, subjects.c.customer == subjects.c.id)
    return _column(connection, own.order_by(subjects.c.id).limit(limit))


_MERGED = sa.text("customer <> id")  # as the partial indexes say it, so that they are used
_KINDRED = sa.text("kin <> id")
_CHANGED = sa.text("changed > 0")
_MOVED = Query(
    sa.select(subjects.c.id, subjects.c.customer)
    .where(_CHANGED, subjects.c.changed >= sa.bindparam("stamp"))
    .order_by(subjects.c.id)
)
_LAST_SUBJECT = Query(sa.select(sa.func.coalesce(sa.func.max(subjects.c.id), 0).label("id")))
_LAST_CHANGE = Query(
    sa.select(sa.func.coalesce(sa.func.max(subjects.c.changed), 0).label("changed")).where(_CHANGED)
)
_OLDEST_OPEN = Query(
    sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid").columns(xid=sa.BigInteger)
)


def _found(
    connection: Connection, identities: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, int]]:
    raw = driver(connection)
    if is_postgres(connection):
        kinds, values = [kind for kind, _ in identities], [value for _, value in identities]
        rows = raw.execute(
            "SELECT kind, value, id, customer FROM subjects"
            " JOIN unnest(%s::text[], %s::text[]) AS wanted(kind, value) USING (kind, value)",
            (kinds, values),
        ).fetchall()
        return {(kind, value): (subject, customer) for kind, value, subject, customer in rows}
    one = "SELECT id, customer FROM subjects WHERE kind = ? AND value = ?"
    answers = ((identity, raw.execute(one, identity).fetchone()) for identity in set(identities))
    return {identity: row for identity, row in answers if row}


def _make(connection: Connection, missing: Sequence[tuple[str, str]], now: int) -> set[tuple[str, str]]:
    """Write new subjects, each its own customer and kin; those that nobody else was making meanwhile."""
    ids = _numbers(connection, len(missing))
    rows = {
        "id": ids,
        "kind": [kind for kind, _ in missing],
        "value": [value for _, value in missing],
        "customer": ids,
        "kin": ids,
        "first_seen": np.full(len(missing), now),
    }
    made = insert_missing(connection, subjects, rows, ["kind", "value"])
    return {identity for identity, new in zip(missing, made, strict=True) if new}


def _numbers(connection: Connection, count: int) -> Ints:
    if is_postgres(connection):
        sequence = "SELECT nextval('subjects_id_seq') FROM generate_series(1, %s)"
        return np.array([number for (number,) in driver(connection).execute(sequence, (count,))], np.int64)
    last = int(_LAST_SUBJECT(connection)["id"][0])
    return np.arange(last + 1, last + 1 + count)


def _links_from(connection: Connection, left: Ints) -> Links:
    rows = fetch(connection, sa.select(subject_links).where(among(connection, subject_links.c.left, left)))
    return Links(rows["left"], rows["right"], rows["happened"], rows["key"], rows["standing"])


def _kins(connection: Connection, named: Ints) -> Ints:
    return np.unique(
        _column(connection, sa.select(subjects.c.kin).where(among(connection, subjects.c.id, named)))
    )


def _of_kins(connection: Connection, kins: Ints) -> ColumnElement[bool]:
    kindred = sa.select(subjects.c.id).where(_KINDRED, among(connection, subjects.c.kin, kins))
    return among(connection, subjects.c.id, kins) | subjects.c.id.in_(kindred)


def _remember(connection: Connection, links: Links) -> None:
    if not len(links):
        return
    rows = {name: getattr(links, name) for name in ("left", "right", "happened", "key", "standing")}
    new = insert_missing(connection, subject_links, rows, ["left", "right"])
    if not new.all():
        update(
            connection,
            subject_links,
            {name: column[~new] for name, column in rows.items()},
            ["left", "right"],
        )


def _change(connection: Connection) -> str:
    """What to stamp a change with: the writing transaction, or on SQLite a number beyond all others."""
    if is_postgres(connection):
        return "pg_current_xact_id()::text::bigint"
    return str(_LAST_CHANGE(connection)["changed"][0] + 1)


def _next_stamp(connection: Connection) -> int:
    """Whatever is not to be seen yet will be stamped with this or more."""
    if is_postgres(connection):
        return int(_OLDEST_OPEN(connection)["xid"][0])
    return int(_change(connection))


def _column(connection: Connection, chosen: sa.Select[tuple[int]]) -> Ints:
    return np.array(connection.scalars(chosen).all(), np.int64)
