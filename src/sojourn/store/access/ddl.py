"""Prints the schema, of both modules of tables, as the SQL of a dialect, to be frozen in a migration."""

from __future__ import annotations

import sys

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from sojourn.store.files.tables import lake_segments
from sojourn.store.tables import runs

assert lake_segments.metadata is runs.metadata
METADATA = runs.metadata

DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]
_XID = "ALTER TABLE events ALTER COLUMN xid SET DEFAULT (pg_current_xact_id()::text::bigint)"


def statements(dialect: str) -> list[str]:
    """The CREATE statements of all tables and indexes, in order."""
    chosen = DIALECTS[dialect]
    made: list[str] = []
    for table in METADATA.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=chosen)).strip())
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            wanted = index._ddl_if is None or index._ddl_if.dialect == dialect
            made += [str(CreateIndex(index).compile(dialect=chosen)).strip()] * wanted
    return made + [_XID] * (dialect == "postgresql")


if __name__ == "__main__":
    sys.stdout.write(";\n\n".join(statements(sys.argv[1])) + ";\n")
