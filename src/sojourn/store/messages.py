"""Messages: the frozen content of what was sent (P30), its links, and who came through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import among, fetch, insert, insert_missing
from sojourn.store.tables import hits, links, messages
from sojourn.tape.tape import Bools, Ints

PIXEL = -1
"""The number of the link that is no link but the picture that says a mail was opened."""


@dataclass(frozen=True)
class Message:
    """What was said to one customer by one effect; never changed once it is written."""

    effect: int
    customer: int
    recipient: str
    subject: str
    html: str
    text: str
    headers: str  # JSON
    hash: str  # of the bytes that were sent
    created: int  # microseconds UTC


@dataclass(frozen=True, eq=False)
class Hits:
    """n times that somebody or something followed a link of a message."""

    effects: Ints  # int64[n]
    links: Ints  # int64[n], PIXEL where it was the picture
    at: Ints  # int64[n], microseconds UTC
    ips: Sequence[str]  # n keyed hashes
    agents: Sequence[str]
    machines: Ints  # int64[n], 1 where a machine did it


def freeze(connection: Connection, written: Sequence[Message]) -> Bools:
    """Write messages; bool[n], which of n were new: an effect's message stays as it was first written."""
    rows: dict[str, Any] = {
        field.name: [getattr(message, field.name) for message in written] for field in fields(Message)
    }
    rows |= {name: np.array(rows[name], np.int64) for name in ("effect", "customer", "created")}
    return insert_missing(connection, messages, rows, ["effect"])


def find(connection: Connection, effects: Ints) -> dict[int, Message]:
    """The messages of these effects, by effect; those that have none are left out."""
    found = connection.execute(sa.select(messages).where(among(connection, messages.c.effect, effects)))
    return {row.effect: Message(*row) for row in found}


def to_number(connection: Connection, number: str, limit: int = 100) -> list[Message]:
    """The latest messages to a telephone number (E.164), newest first."""
    mine = messages.c.recipient == number, sa.text("substr(recipient, 1, 1) = '+'")  # as the index says it
    latest = sa.select(messages).where(*mine).order_by(messages.c.created.desc(), messages.c.effect)
    return [Message(*row) for row in connection.execute(latest.limit(limit))]


def link(connection: Connection, effect: int, urls: Mapping[int, str]) -> None:
    """Keep where the links of a message lead, by number; what is kept already stays (P30)."""
    numbers = np.array(list(urls), np.int64)
    rows = {"effect": numbers * 0 + effect, "n": numbers, "url": list(urls.values())}
    insert_missing(connection, links, rows, ["effect", "n"])


def destination(connection: Connection, effect: int, number: int) -> str | None:
    """Where a link leads, None if there is none such."""
    chosen = sa.select(links.c.url).where(links.c.effect == effect, links.c.n == number)
    return connection.scalar(chosen)


def hit(connection: Connection, new: Hits) -> None:
    """Add hits."""
    insert(connection, hits, {column: getattr(new, part) for column, part in _HITS.items()})


def hits_of(connection: Connection, effect: int) -> Hits:
    """All hits on the links of one message, in order."""
    rows = fetch(connection, sa.select(hits).where(hits.c.effect == effect).order_by(hits.c.id))
    return Hits(**{part: rows[column] for column, part in _HITS.items()})


def hits_since(connection: Connection, at: int) -> Hits:
    """All hits from an instant on (microseconds UTC), in order."""
    rows = fetch(connection, sa.select(hits).where(hits.c.at >= at).order_by(hits.c.id))
    return Hits(**{part: rows[column] for column, part in _HITS.items()})


_HITS = {"effect": "effects", "n": "links", "at": "at", "ip": "ips", "agent": "agents", "machine": "machines"}
"""Column of the table → field of Hits."""
