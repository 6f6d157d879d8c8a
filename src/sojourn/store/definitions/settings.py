"""Settings: JSON values by name, guarded against two people changing one at once."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.errors import Conflict
from sojourn.store.definitions.stamp import changed
from sojourn.store.tables import settings


def get(connection: Connection, name: str, otherwise: Any = None) -> Any:
    """The value of a setting, `otherwise` when nobody has set it."""
    text = connection.scalar(sa.select(settings.c.value).where(settings.c.name == name))
    return otherwise if text is None else msgspec.json.decode(text)


def etag(connection: Connection, name: str) -> int:
    """The number of times that it was set."""
    return int(connection.scalar(sa.select(settings.c.etag).where(settings.c.name == name)) or 0)


def text(connection: Connection, name: str) -> str:
    """The YAML that says the value, '' where no person wrote any."""
    return connection.scalar(sa.select(settings.c.text).where(settings.c.name == name)) or ""


def put(connection: Connection, name: str, value: Any, *, text: str = "", match: int | None = None) -> int:
    """Set a value, with the YAML that says it if a person wrote one; answers its new etag.

    Raises Conflict when `match`, the etag that the writer has read, is not the present one.
    """
    row = {"value": msgspec.json.encode(value).decode(), "text": text}
    present = etag(connection, name)
    if match is not None and match != present:
        raise Conflict(f"setting {name!r} has been changed since it was read")
    if present:
        same = sa.update(settings).where(settings.c.name == name, settings.c.etag == present)
        written = connection.execute(same.values(**row, etag=present + 1)).rowcount
        if not written:
            raise Conflict(f"setting {name!r} is being changed by somebody else")
    else:
        connection.execute(sa.insert(settings).values(name=name, **row, etag=1))
    changed(connection)
    return present + 1


def remove(connection: Connection, name: str) -> None:
    """Forget a setting, so that its default holds; nothing if nobody has set it."""
    connection.execute(sa.delete(settings).where(settings.c.name == name))
    changed(connection)
