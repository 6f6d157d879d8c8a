"""Brings a database to the schema of this release, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from sojourn.errors import Misconfigured

_LOCK = 0x50_6A_6F_75_72_6E  # "Pjourn": one process migrates, the others wait for it


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, all in one transaction.

    Raises Misconfigured when the database was written by a newer release, or holds only a part of
    our schema (a migration by hand, a restore that broke off).
    """
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
        script = ScriptDirectory.from_config(config)
        if not _is_current(connection, script):
            command.upgrade(config, "head")


def _is_current(connection: Connection, script: ScriptDirectory) -> bool:
    heads = MigrationContext.configure(connection).get_current_heads()
    known = {revision.revision for revision in script.walk_revisions()}
    if unknown := sorted(set(heads) - known):
        raise Misconfigured(
            f"the database was written by a newer release of Sojourn (schema {', '.join(unknown)}, "
            f"this release knows {script.get_current_head()}): start that release, or restore a backup"
        )
    if not heads and (found := sorted(_ours(connection))):
        raise Misconfigured(
            f"the database holds {', '.join(found)} but no record of its schema: it was only partly "
            "restored or migrated; restore a backup, or name an empty database"
        )
    return set(heads) == set(script.get_heads())


def _ours(connection: Connection) -> set[str]:
    return {"customers", "events", "runs", "effects"} & set(sa.inspect(connection).get_table_names())
