"""The quarantine: what could not be taken, as it came, with the reason, to be replayed (P4)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import add, among
from sojourn.store.files.tables import attempts, quarantine
from sojourn.tape.tape import Ints


class Refused(msgspec.Struct, frozen=True):
    """One thing that was not taken."""

    at: int  # microseconds UTC
    source: str  # by which way it came
    raw: str  # as it came, what is no text escaped
    reason: str


class Kept(Refused, frozen=True):
    """The same as it lies in quarantine."""

    id: int
    tries: int
    replayed: int  # microseconds UTC, 0 while it has not been


def keep(connection: Connection, refused: Sequence[Refused]) -> None:
    """Put things in quarantine."""
    if refused:
        connection.execute(sa.insert(quarantine), [msgspec.structs.asdict(one) for one in refused])


def page(connection: Connection, after: int = 0, limit: int = 100, *, waiting: bool = True) -> list[Kept]:
    """What lies in quarantine with ids beyond `after`, by default only what waits."""
    chosen = sa.select(quarantine).where(quarantine.c.id > after).order_by(quarantine.c.id).limit(limit)
    if waiting:
        chosen = chosen.where(quarantine.c.replayed == 0)
    return [Kept(**row._mapping) for row in connection.execute(chosen)]


def replayed(connection: Connection, ids: Sequence[int], now: int) -> None:
    """Note that things were taken after all."""
    connection.execute(sa.update(quarantine).where(quarantine.c.id.in_(ids)).values(replayed=now))


def failed(connection: Connection, ids: Sequence[int], reason: str) -> None:
    """Note that things were tried again in vain."""
    same = sa.update(quarantine).where(quarantine.c.id.in_(ids))
    connection.execute(same.values(tries=quarantine.c.tries + 1, reason=reason))


def count(connection: Connection) -> int:
    """How much waits."""
    waiting = sa.select(sa.func.count()).select_from(quarantine).where(quarantine.c.replayed == 0)
    return int(connection.scalar(waiting) or 0)


def attempt(connection: Connection, fingerprints: Ints, now: int) -> dict[int, int]:
    """Note that things are about to be worked on; answers how often each has been, this time included.

    Commit it before the work: what kills the process has then been counted.
    """
    size = len(fingerprints)
    rows = {"fingerprint": fingerprints, "tries": np.ones(size, np.int64), "at": np.full(size, now)}
    add(connection, attempts, rows, ["fingerprint"], "tries")
    found = connection.execute(
        sa.select(attempts.c.fingerprint, attempts.c.tries).where(
            among(connection, attempts.c.fingerprint, fingerprints)
        )
    )
    return dict(found.all())


def survived(connection: Connection, fingerprints: Ints) -> None:
    """Forget the attempts of what did no harm."""
    connection.execute(sa.delete(attempts).where(among(connection, attempts.c.fingerprint, fingerprints)))
