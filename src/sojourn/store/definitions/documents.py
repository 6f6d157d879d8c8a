"""Documents: scores, lists and the lifecycle by kind and name, as people write them; changes are counted."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sojourn.errors import Conflict, NotFound
from sojourn.store.definitions.stamp import changed
from sojourn.store.tables import documents

Kind = Literal["score", "list", "lifecycle"]


class Document(msgspec.Struct, frozen=True):
    """One definition; `version` counts its changes, `text` is the YAML that says it."""

    id: int
    kind: str
    name: str
    definition: str  # JSON
    text: str
    version: int
    updated: int  # microseconds UTC


def save(
    connection: Connection,
    kind: Kind,
    name: str,
    definition: str,
    now: int,
    *,
    text: str = "",
    match: int | None = None,
) -> Document:
    """Write a definition; raises Conflict when it has another version than `match`, which was read."""
    present = connection.execute(_named(kind, name)).one_or_none()
    if match is not None and match != (present.version if present else 0):
        raise Conflict(f"{kind} {name!r} has been changed since it was read")
    try:
        with connection.begin_nested():
            if present is None:
                row = {"kind": kind, "name": name, "definition": definition, "text": text, "updated": now}
                connection.execute(sa.insert(documents).values(row))
            else:
                # Other words for the same are no change: nobody has to be asked again.
                change = {"updated": now, "version": present.version + 1}
                differs = change if definition != present.definition else {}
                same = sa.update(documents).where(documents.c.id == present.id)
                connection.execute(same.values(definition=definition, text=text, **differs))
    except IntegrityError as error:
        raise Conflict(f"{kind} {name!r} is being written by somebody else") from error
    changed(connection)
    return find(connection, kind, name)


def find(connection: Connection, kind: Kind, name: str) -> Document:
    """The definition of that name; raises NotFound."""
    found = connection.execute(_named(kind, name)).one_or_none()
    if found is None:
        raise NotFound(f"there is no {kind} {name!r}")
    return Document(*found)


def every(connection: Connection, kind: Kind | None = None) -> list[Document]:
    """All definitions, or those of a kind, by kind and name."""
    chosen = sa.select(documents).order_by(documents.c.kind, documents.c.name)
    if kind:
        chosen = chosen.where(documents.c.kind == kind)
    return [Document(*row) for row in connection.execute(chosen)]


def remove(connection: Connection, kind: Kind, name: str) -> None:
    """Remove a definition; raises NotFound."""
    gone = find(connection, kind, name)
    connection.execute(sa.delete(documents).where(documents.c.id == gone.id))
    changed(connection)


def _named(kind: Kind, name: str) -> sa.Select[tuple[Any, ...]]:
    return sa.select(documents).where(documents.c.kind == kind, documents.c.name == name)
