"""Imports of files: how far each has come, so that a kill costs nothing but the time since the last chunk."""

from __future__ import annotations

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.errors import NotFound
from sojourn.store.access.rows import insert_missing
from sojourn.store.files.tables import imports


class Import(msgspec.Struct, frozen=True):
    """One file under one mapping; `state` is running, done or failed."""

    id: int
    file: str
    fingerprint: str  # of the file's content and the mapping
    mapping: str  # JSON
    done: int  # rows that are stored
    state: str
    error: str
    created: int  # microseconds UTC
    updated: int


def begin(connection: Connection, file: str, fingerprint: str, mapping: str, now: int) -> Import:
    """Start an import, or find the same one as far as it has come."""
    row = {"file": file, "fingerprint": fingerprint, "mapping": mapping, "state": "running"}
    instant = np.full(1, now)
    columns = {name: [value] for name, value in row.items()} | {"created": instant, "updated": instant}
    insert_missing(connection, imports, columns, ["fingerprint"])
    return find(connection, fingerprint)


def find(connection: Connection, fingerprint: str) -> Import:
    """The import with this fingerprint; raises NotFound."""
    found = connection.execute(sa.select(imports).where(imports.c.fingerprint == fingerprint)).one_or_none()
    if found is None:
        raise NotFound("nothing was imported from this file with this mapping")
    return Import(*found)


def every(connection: Connection) -> list[Import]:
    """All imports, the newest first."""
    return [Import(*row) for row in connection.execute(sa.select(imports).order_by(imports.c.id.desc()))]


def advance(
    connection: Connection, number: int, done: int, now: int, state: str = "running", error: str = ""
) -> None:
    """Say how many rows are stored, in the transaction that stores them."""
    same = sa.update(imports).where(imports.c.id == number)
    connection.execute(same.values(done=done, state=state, error=error, updated=now))
