"""How we connect: the engines of a database URL, with the settings that make a commit durable."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import ArgumentError

from sojourn.errors import Misconfigured
from sojourn.store.access.rows import ArrayDumper, ArrayLoader

SQLITE_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # NORMAL may lose what was acknowledged when the power fails
    "foreign_keys = ON",
    "busy_timeout = 5000",  # milliseconds
    "cache_size = -65536",  # 64 MB
    "temp_store = MEMORY",
    # 32 MB between checkpoints: measured 190,000 instead of 147,000 log rows a second
    "wal_autocheckpoint = 8000",
    "journal_size_limit = 67108864",
)
_POSTGRES_SETTINGS = {
    "connect_timeout": 5,
    "application_name": "sojourn",
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
# Batches look rows up by their keys: on today's disks that is cheaper than the server's old default says,
# and no statement of ours is worth compiling.
POSTGRES_OPTIONS = "-c timezone=UTC -c random_page_cost=1.1 -c jit=off"
# A writer that stops in a transaction holds locks; a reader only keeps old rows from being cleaned away.
_WRITING = f"{POSTGRES_OPTIONS} -c idle_in_transaction_session_timeout=10s"
_READING = (
    f"{POSTGRES_OPTIONS} -c idle_in_transaction_session_timeout=5min -c default_transaction_read_only=on"
    " -c default_transaction_isolation=repeatable\\ read"  # all that a reader sees is of one instant
)
_OLDEST_SQLITE, _OLDEST_POSTGRES = (3, 35, 0), 140_000  # RETURNING; xid8 and its snapshots


def parse(url: str) -> URL:
    """The database URL with our driver in it; raises Misconfigured."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise Misconfigured(
            f"SOJOURN_DATABASE_URL is no database URL: {url!r}; "
            "write sqlite:////path/to/sojourn.db or postgresql://user:password@host/name"
        ) from error
    match parsed.get_backend_name():
        case "sqlite":
            return _checked_file(parsed)
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise Misconfigured(f"SOJOURN_DATABASE_URL names {other!r}; we know sqlite and postgresql")


def engines(url: URL, writers: int) -> tuple[Engine, Engine]:
    """Two engines on one database: for the writer threads, and for everybody who reads."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, "BEGIN IMMEDIATE"), _sqlite(url, "BEGIN", "query_only = ON")
    return _postgres(url, _WRITING, pool_size=writers + 2), _postgres(url, _READING, pool_size=8)


def check_version(connection: Connection) -> None:
    """Raises Misconfigured when the database is older than what we build on."""
    if connection.dialect.name == "sqlite":
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise Misconfigured(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
        return
    number, shown = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    ).one()
    if number < _OLDEST_POSTGRES:
        raise Misconfigured(f"PostgreSQL {shown} is too old: 14 or newer is needed")


def _checked_file(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise Misconfigured("SOJOURN_DATABASE_URL must name a file: sqlite:////path/to/sojourn.db")
    folder = Path(url.database).absolute().parent
    if not folder.is_dir():
        raise Misconfigured(f"the folder of the database does not exist: {folder}")
    return url.set(drivername="sqlite+pysqlite")


def _sqlite(url: URL, begin: str, *more: str) -> Engine:
    engine = sa.create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3 begins nothing by itself; we do, below
        for setting in SQLITE_SETTINGS + more:
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres(url: URL, options: str, *, pool_size: int) -> Engine:
    settings = {**_POSTGRES_SETTINGS, "options": options}
    engine = sa.create_engine(
        url, connect_args=settings, pool_size=pool_size, max_overflow=8, pool_pre_ping=True
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(np.ndarray, ArrayDumper)
        connection.adapters.register_loader(ArrayDumper.oid, ArrayLoader)

    return engine
