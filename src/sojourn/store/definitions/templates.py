"""Templates by name; every change is a new version, and messages keep what was rendered."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sojourn.errors import Conflict, NotFound
from sojourn.store.definitions.stamp import changed
from sojourn.store.tables import templates


class Template(msgspec.Struct, frozen=True):
    """One version of a template; its text is the definition as people write it."""

    id: int
    name: str
    version: int
    text: str
    created: int  # microseconds UTC


def save(connection: Connection, name: str, text: str, now: int, *, match: int | None = None) -> Template:
    """A new version; raises Conflict when `match`, the version that was read, is not the newest."""
    newest = (
        connection.scalar(sa.select(sa.func.max(templates.c.version)).where(templates.c.name == name)) or 0
    )
    if match is not None and match != newest:
        raise Conflict(f"template {name!r} has been changed since it was read")
    try:
        with connection.begin_nested():
            row = {"name": name, "version": newest + 1, "text": text, "created": now}
            connection.execute(sa.insert(templates).values(row))
    except IntegrityError as error:
        raise Conflict(f"template {name!r} is being changed by somebody else") from error
    changed(connection)
    return find(connection, name)


def find(connection: Connection, name: str, version: int | None = None) -> Template:
    """The newest version, or a given one; raises NotFound."""
    chosen = sa.select(templates).where(templates.c.name == name)
    if version is not None:
        chosen = chosen.where(templates.c.version == version)
    found = connection.execute(chosen.order_by(templates.c.version.desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound(f"there is no template {name!r}" + (f" version {version}" if version else ""))
    return Template(*found)


def every(connection: Connection) -> list[Template]:
    """The newest version of all templates, by name."""
    newest = sa.select(templates.c.name, sa.func.max(templates.c.version).label("version"))
    last = newest.group_by(templates.c.name).subquery()
    chosen = sa.select(templates).join(
        last, (templates.c.name == last.c.name) & (templates.c.version == last.c.version)
    )
    return [Template(*row) for row in connection.execute(chosen.order_by(templates.c.name))]


def remove(connection: Connection, name: str) -> None:
    """Remove a template with all its versions; raises NotFound."""
    if not connection.execute(sa.delete(templates).where(templates.c.name == name)).rowcount:
        raise NotFound(f"there is no template {name!r}")
    changed(connection)
