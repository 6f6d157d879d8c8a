"""Parquet: columns with types of their own."""

# ruff: noqa: S608 - what comes from the file is quoted (literal, numbered); the rest is ours

from __future__ import annotations

from sojourn.ingest.files.format import File, Format
from sojourn.ingest.files.instants import literal
from sojourn.ingest.files.nested import leaves
from sojourn.ingest.files.table import Table, connect, numbered, told


def _open(file: File) -> Table:
    connection = connect()
    source = f"read_parquet({literal(str(file.path))})"
    with told(file):
        found = connection.sql(f"SELECT * FROM {source}")
        return Table(file, connection, numbered(source, found.columns), leaves(found.columns, found.types))


format_ = Format("parquet", (".parquet", ".pq"), _open)
