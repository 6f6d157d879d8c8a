"""The stamp: a number that grows whenever a definition changes, so that workers know to load them again."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.store.access.rows import add
from sojourn.store.tables import settings

_NAME = "stamp"


def stamp(connection: Connection) -> int:
    """The number of changes so far."""
    return int(connection.scalar(sa.select(settings.c.etag).where(settings.c.name == _NAME)) or 0)


def changed(connection: Connection) -> None:
    """Say that a definition has changed."""
    add(
        connection, settings, {"name": [_NAME], "value": [""], "etag": np.ones(1, np.int64)}, ["name"], "etag"
    )
