"""Tells what a database error means for us: try the work again, wait for room, reconnect, or stop."""

from __future__ import annotations

import sqlite3
from enum import Enum

import psycopg
from sqlalchemy.exc import DBAPIError

from sojourn.errors import Unavailable


class Trouble(Enum):
    """What is wrong with the database, not with the work."""

    AGAIN = "again"  # two transactions met; the same work succeeds later
    FULL = "full"  # no room or no resources: nothing was written, room may come back
    LOST = "lost"  # the connection is gone
    BROKEN = "broken"  # what is on disk is unknown: the process must stop and start again (P35)


_SQLITE = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_BUSY: Trouble.AGAIN,
    sqlite3.SQLITE_LOCKED: Trouble.AGAIN,
    sqlite3.SQLITE_NOMEM: Trouble.FULL,
    sqlite3.SQLITE_CANTOPEN: Trouble.FULL,  # it opens files as it goes; with no room it cannot
    sqlite3.SQLITE_READONLY: Trouble.FULL,
    sqlite3.SQLITE_IOERR: Trouble.BROKEN,
    sqlite3.SQLITE_CORRUPT: Trouble.BROKEN,
    sqlite3.SQLITE_NOTADB: Trouble.BROKEN,
}
_NO_ROOM = {  # the shared memory file cannot grow: nothing was promised yet
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}
_POSTGRES = {
    "40001": Trouble.AGAIN,  # serialization_failure
    "40P01": Trouble.AGAIN,  # deadlock_detected
    "58030": Trouble.FULL,  # io_error: the server stops itself where it must
    "25P03": Trouble.LOST,  # idle_in_transaction_session_timeout
    "25006": Trouble.LOST,  # read_only_sql_transaction: we talk to a server that was replaced
}
_POSTGRES_CLASSES = {"08": Trouble.LOST, "53": Trouble.FULL, "57": Trouble.LOST, "XX": Trouble.FULL}


def trouble(error: BaseException) -> Trouble | None:
    """What is wrong with the database, or None when the work itself is at fault."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    if isinstance(cause, psycopg.Error):
        return _of_postgres(cause)
    return None


def unavailable(error: BaseException) -> Unavailable:
    """The same error as the callers of the store know it."""
    return Unavailable(f"the database cannot take work now: {error.args[0] if error.args else error}")


def _of_sqlite(error: sqlite3.Error) -> Trouble | None:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return Trouble.FULL if code in _NO_ROOM else _SQLITE.get(code & 0xFF)


def _of_postgres(error: psycopg.Error) -> Trouble | None:
    if error.sqlstate is None:
        gone = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Trouble.LOST if gone else None
    return _POSTGRES.get(error.sqlstate) or _POSTGRES_CLASSES.get(error.sqlstate[:2])
