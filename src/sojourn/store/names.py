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


class Names:
    """The names that are committed, remembered; `reading` opens a connection that sees only those."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._reading = reading
        self._codes: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def codes(self, connection: Connection, names: Sequence[str]) -> Ints:
        """The code of each of n names, int64[n]; new names get theirs in this transaction.

        A name that this transaction makes is not remembered before it is committed: it may yet be
        rolled back.
        """
        if missing := set(names) - self._codes.keys():
            with self._reading() as committed:
                self._remember(_found(committed, missing))
            missing -= self._codes.keys()
        made = _make(connection, sorted(missing)) if missing else {}
        known = {**self._codes, **made} if made else self._codes
        return np.fromiter((known[name] for name in names), np.int64, len(names))

    def names(self, codes: Ints) -> Mapping[int, str]:
        """The name of each distinct code; codes that nobody committed are left out."""
        wanted = set(distinct(codes).tolist())
        if missing := wanted - self._names.keys():
            with self._reading() as committed:
                chosen = among(committed, tables.names.c.code, np.array(sorted(missing), np.int64))
                self._remember(dict(committed.execute(_PAIRS.where(chosen)).all()))
        return {code: self._names[code] for code in wanted & self._names.keys()}

    def _remember(self, found: Mapping[str, int]) -> None:
        self._codes |= found
        self._names |= {code: name for name, code in found.items()}


_PAIRS = sa.select(tables.names.c.name, tables.names.c.code)


def _found(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    return dict(connection.execute(_PAIRS.where(tables.names.c.name.in_(list(names)))).all())


def _make(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    insert_missing(connection, tables.names, {"name": names}, ["name"])
    return _found(connection, names)
