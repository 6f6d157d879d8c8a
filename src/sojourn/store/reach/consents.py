"""What customers allow: the consent ledger, suppressed addresses and opt-ins that wait for their proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import fetch, insert, insert_missing, is_postgres
from sojourn.store.tables import consents, optins, suppressions
from sojourn.tape.tape import Bools, Ints


@dataclass(frozen=True, eq=False)
class Statements:
    """n statements of consent, in the order in which they were made; nothing is ever changed or removed."""

    customers: Ints  # int64[n], as received: a merge does not rewrite them
    channels: Sequence[str]  # empty: all
    purposes: Sequence[str]  # empty: all
    states: Sequence[str]  # given, withdrawn
    at: Ints  # int64[n], microseconds UTC
    sources: Sequence[str]
    proofs: Sequence[str]  # n JSON objects: what was shown, where and how (GDPR, article 7)


@dataclass(frozen=True)
class Optin:
    """Somebody asked for messages and has to confirm it."""

    customer: int
    channel: str
    purpose: str
    created: int  # microseconds UTC
    expires: int


def lock(connection: Connection, customers: Sequence[int]) -> None:
    """Let nobody else read or state consents of these customers, given in order, until the transaction ends.

    SQLite has one writer, which is lock enough.
    """
    if is_postgres(connection):
        held = sa.text(
            "SELECT pg_advisory_xact_lock(:space, hashint8(customer))"
            " FROM unnest(CAST(:them AS bigint[])) AS customer"
        )
        connection.execute(held, {"space": _LOCKS, "them": list(customers)})


def state(connection: Connection, said: Statements) -> None:
    """Add statements to the ledger."""
    insert(connection, consents, {column: getattr(said, part) for column, part in _COLUMNS.items()})


def of_customers(connection: Connection, customers: Sequence[int]) -> Statements:
    """All statements of these customers, in order."""
    rows = fetch(
        connection, sa.select(consents).where(consents.c.customer.in_(customers)).order_by(consents.c.id)
    )
    return Statements(**{part: rows[column] for column, part in _COLUMNS.items()})


def suppress(connection: Connection, kind: str, values: Sequence[str], reason: str, now: int) -> Bools:
    """Stop all messages to addresses, given as keyed hashes; bool[n], which of n were not stopped before."""
    size = len(values)
    rows = {"kind": [kind] * size, "value": values, "reason": [reason] * size, "at": np.full(size, now)}
    return insert_missing(connection, suppressions, rows, ["kind", "value"])


def suppressed(connection: Connection, kind: str, values: Sequence[str]) -> dict[str, str]:
    """Why, by keyed hash, for those of these addresses that are stopped."""
    chosen = sa.select(suppressions.c.value, suppressions.c.reason)
    chosen = chosen.where(suppressions.c.kind == kind, suppressions.c.value.in_(values))
    return dict(connection.execute(chosen).all())


def release(connection: Connection, kind: str, value: str) -> None:
    """Let messages go to an address again."""
    connection.execute(
        sa.delete(suppressions).where(suppressions.c.kind == kind, suppressions.c.value == value)
    )


def ask(connection: Connection, token: str, optin: Optin) -> None:
    """Keep an opt-in until it is confirmed; `token` is the hash of what its link holds."""
    asked = {field: getattr(optin, field) for field in optin.__dataclass_fields__}
    connection.execute(sa.insert(optins).values(token=token, **asked))


def confirm(connection: Connection, token: str, now: int) -> Optin | None:
    """Use a token, once and before it expires; None when it is unknown, used or too old."""
    valid = sa.update(optins).where(optins.c.token == token, optins.c.used == 0, optins.c.expires > now)
    chosen = (optins.c.customer, optins.c.channel, optins.c.purpose, optins.c.created, optins.c.expires)
    found = connection.execute(valid.values(used=now).returning(*chosen)).one_or_none()
    return Optin(*found) if found else None


_LOCKS = 7_001
"""The space of advisory locks that are about consents."""

_COLUMNS = {
    "customer": "customers",
    "channel": "channels",
    "purpose": "purposes",
    "state": "states",
    "at": "at",
    "source": "sources",
    "proof": "proofs",
}
"""Column of the table → field of Statements."""
