"""JSON Lines: one object a line, nested or not."""

# ruff: noqa: S608 - what comes from the file is quoted (literal, numbered); the rest is ours

from __future__ import annotations

from typing import Any

from sojourn.ingest.files.format import File, Format
from sojourn.ingest.files.instants import literal
from sojourn.ingest.files.nested import leaves
from sojourn.ingest.files.table import Table, connect, numbered, told

_LARGEST = 1_000_000  # bytes of one object


def _open(file: File) -> Table:
    """The types of all its fields are found in the whole file; a line that is no object is a bad row."""
    connection = connect()
    options = f"format = 'newline_delimited', ignore_errors = true, maximum_object_size = {_LARGEST}"
    path = literal(str(file.path))
    with told(file):
        guessed = connection.sql(f"SELECT * FROM read_json({path}, sample_size = -1, {options})")
        types = ", ".join(
            f"{literal(name)}: {literal(_as_text(type_))}"
            for name, type_ in zip(guessed.columns, guessed.types, strict=True)
        )
        source = f"read_json({path}, columns = {{{types}}}, {options})"
        found = connection.sql(f"SELECT * FROM {source}")
        return Table(file, connection, numbered(source, found.columns), leaves(found.columns, found.types))


format_ = Format("jsonl", (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"), _open)


def _as_text(type_: Any) -> str:
    """The type with dates and the like taken as the texts that they are in the file."""
    match type_.id:
        case "struct":
            fields = (f'"{name}" {_as_text(inner)}' for name, inner in type_.children)
            return f"STRUCT({', '.join(fields)})"
        case "list":
            return f"{_as_text(type_.children[0][1])}[]"
        case "date" | "time" | "uuid":
            return "VARCHAR"
        case kind if kind.startswith("timestamp"):
            return "VARCHAR"
    return str(type_)
