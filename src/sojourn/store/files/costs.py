"""Costs: what was spent, on which channel, when, and for which journey."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.files.tables import costs

UNIT = 1_000_000
"""Amounts are kept in millionths of the currency's unit: sums of them are exact."""


class Cost(msgspec.Struct, frozen=True):
    """What was spent in a period; there is one of a journey, channel, period and currency.

    An empty `journey` is of none in particular.
    """

    journey: str
    channel: str
    period: str  # as it was written
    currency: str  # ISO 4217
    begins: int  # microseconds UTC
    ends: int  # excluded
    amount: int  # millionths of the currency's unit


def put(connection: Connection, found: Sequence[Cost], now: int) -> int:
    """Write costs; one that was known before is replaced.  Answers how many were."""
    before = _count(connection)
    for cost in found:
        connection.execute(sa.delete(costs).where(*_same(cost)))
    replaced = before - _count(connection)
    if found:
        rows = [{**msgspec.structs.asdict(cost), "imported": now} for cost in found]
        connection.execute(sa.insert(costs), rows)
    return replaced


def of_journey(connection: Connection, journey: str) -> list[Cost]:
    """The costs of a journey, the oldest first; of an empty name, those of none in particular."""
    return _chosen(connection, sa.select(costs).where(costs.c.journey == journey))


def every(connection: Connection) -> list[Cost]:
    """All costs, the oldest first."""
    return _chosen(connection, sa.select(costs))


def _chosen(connection: Connection, chosen: sa.Select[tuple[object, ...]]) -> list[Cost]:
    ordered = chosen.order_by(costs.c.begins, costs.c.journey, costs.c.channel, costs.c.currency)
    found = connection.execute(ordered).mappings()
    return [Cost(**{name: row[name] for name in Cost.__struct_fields__}) for row in found]


def _same(cost: Cost) -> list[sa.ColumnElement[bool]]:
    names = ("journey", "channel", "begins", "ends", "currency")
    return [costs.c[name] == getattr(cost, name) for name in names]


def _count(connection: Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(costs)) or 0)
