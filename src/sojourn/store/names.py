"""Names of events as small codes, the same for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store import tables
from sojourn.store.access.rows import among, insert_missing
from sojourn.tape.distinct import distinct
from sojourn.tape.tape import Ints

MOST = 50_000
"""Names that are remembered, some 15 MB: whoever sends a new name with every event gains nothing by it."""


class Names:
    """The names that are committed, remembered; `reading` opens a connection that sees only those."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]], most: int = MOST) -> None:
        self._reading, self._most = reading, most
        self._codes: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def codes(self, connection: Connection, names: Sequence[str]) -> Ints:
        """The code of each of n names, int64[n]; new names get theirs in this transaction.

        A name that this transaction makes is not remembered before it is committed: it may yet be
        rolled back.
        """
        known = self._codes
        if missing := {name for name in names if name not in known}:
            with self._reading() as committed:
                found = _found(committed, missing)
            self._remember(found)
            new = sorted(missing - found.keys())
            made = _make(connection, new) if new else {}
            known = {name: known[name] for name in names if name not in missing} | found | made
        return np.fromiter((known[name] for name in names), np.int64, len(names))

    def names(self, codes: Ints) -> Mapping[int, str]:
        """The name of each distinct code; codes that nobody committed are left out."""
        wanted, known = distinct(codes).tolist(), self._names
        told = {code: known[code] for code in wanted if code in known}
        if missing := [code for code in wanted if code not in told]:
            with self._reading() as committed:
                chosen = among(committed, tables.names.c.code, np.array(missing, np.int64))
                found: dict[str, int] = dict(committed.execute(_PAIRS.where(chosen)).all())
            self._remember(found)
            told |= {code: name for name, code in found.items()}
        return told

    def _remember(self, found: Mapping[str, int]) -> None:
        """Take them in; where they are too many with those that are known, forget the latter.

        The dictionaries are replaced then, not emptied: other threads may be looking things up.
        """
        if len(self._codes) + len(found) > self._most:
            self._codes, self._names = {}, {}
        self._codes |= found
        self._names |= {code: name for name, code in found.items()}


def some(connection: Connection, most: int) -> set[str]:
    """The names that were known first, so many at most; also such as somebody listens to in vain."""
    chosen = sa.select(tables.names.c.name).order_by(tables.names.c.code).limit(most)
    return set(connection.scalars(chosen))


def recent(connection: Connection, most: int) -> set[str]:
    """The names of the newest events in the log, of so many of them."""
    newest = sa.select(tables.events.c.name).order_by(tables.events.c.position.desc()).limit(most)
    return set(connection.scalars(sa.select(tables.names.c.name).where(tables.names.c.code.in_(newest))))


_PAIRS = sa.select(tables.names.c.name, tables.names.c.code)


def _found(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    return dict(connection.execute(_PAIRS.where(tables.names.c.name.in_(list(names)))).all())


def _make(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    insert_missing(connection, tables.names, {"name": names}, ["name"])
    return _found(connection, names)
