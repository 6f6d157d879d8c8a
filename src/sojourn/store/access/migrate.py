"""Brings a database to the schema of this release, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from sojourn.errors import Misconfigured

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x50_6A_6F_75_72_6E  # any number that is ours: one process migrates, the others wait for it


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, all in one transaction.

    Raises Misconfigured when the database was written by a newer release, or holds only a part of
    our schema (a restore or a migration by hand that broke off).
    """
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if _schema(connection) != known_schemas()[-1]:
            _run(connection)


def known_schemas() -> list[str]:
    """The numbers of all schemas that this release can read and bring up to date, the newest last."""
    return sorted(path.stem[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _schema(connection: Connection) -> str | None:
    """The number of the database's schema, None when it is empty."""
    tables = set(sa.inspect(connection).get_table_names())
    found = None
    if "alembic_version" in tables:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    if found is not None and found not in known_schemas():
        raise Misconfigured(
            f"the database was written by a newer release of Sojourn (schema {found}, this release knows "
            f"{known_schemas()[-1]}): start that release, or restore a backup from before it"
        )
    if found is None and (ours := tables & {"subjects", "events", "runs", "effects"}):
        raise Misconfigured(
            f"the database holds {', '.join(sorted(ours))} but no record of its schema: it was only partly "
            "restored or migrated; restore a backup, or name an empty database"
        )
    return None if found is None else str(found)


def _run(connection: Connection) -> None:
    from alembic import command  # heavy, and not needed at most starts
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS))
    command.upgrade(config, "head")
