"""Subscriptions: the browsers that take notifications for customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import among, fetch, insert_missing
from sojourn.store.tables import push_subscriptions, subjects
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import Ints


def subscribe(connection: Connection, customer: int, endpoint: str, subscription: str, now: int) -> bool:
    """Keep a browser's subscription; whether that is news.  An endpoint is one customer's: the latest's."""
    same = sa.select(push_subscriptions.c.key).where(
        push_subscriptions.c.key == hash_text(endpoint),
        push_subscriptions.c.customer == customer,
        push_subscriptions.c.subscription == subscription,
        _LIVE,
    )
    if connection.scalar(same) is not None:
        return False
    row = {"customer": customer, "created": now, "gone": 0}
    key = hash_text(endpoint)
    columns: dict[str, Any] = {name: np.array([value]) for name, value in (row | {"key": key}).items()}
    columns["subscription"] = [subscription]
    if not insert_missing(connection, push_subscriptions, columns, ["key"])[0]:
        mine = push_subscriptions.c.key == key
        connection.execute(sa.update(push_subscriptions).where(mine).values(**row, subscription=subscription))
    return True


def end(connection: Connection, subscriptions: Sequence[str], now: int) -> None:
    """No more is sent to these, as they were when they were sent to: one that has changed since stays."""
    known = push_subscriptions.c.subscription.in_(subscriptions)
    connection.execute(sa.update(push_subscriptions).where(known, _LIVE).values(gone=now))


def leave(connection: Connection, endpoint: str, now: int) -> int:
    """The browser at this endpoint has unsubscribed; whose it was, 0 if it was nobody's."""
    mine = sa.update(push_subscriptions).where(push_subscriptions.c.key == hash_text(endpoint), _LIVE)
    return connection.scalar(mine.values(gone=now).returning(push_subscriptions.c.customer)) or 0


def of_customers(connection: Connection, customers: Ints) -> dict[int, tuple[str, ...]]:
    """The subscriptions of customers (int64[n]), theirs since merges too, the oldest first."""
    chosen = (
        sa.select(subjects.c.customer, push_subscriptions.c.subscription)
        .join(subjects, subjects.c.id == push_subscriptions.c.customer)
        .where(among(connection, subjects.c.customer, np.unique(customers)), _LIVE)
        .order_by(push_subscriptions.c.created, push_subscriptions.c.key)
    )
    rows = fetch(connection, chosen)
    found: dict[int, tuple[str, ...]] = {}
    for customer, subscription in zip(rows["customer"].tolist(), rows["subscription"], strict=True):
        found[customer] = (*found.get(customer, ()), subscription)
    return found


_LIVE = push_subscriptions.c.gone == 0
