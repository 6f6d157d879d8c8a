"""CSV and its kin: a header, then a row a line, parted by commas, semicolons, tabs, bars or spaces."""

# ruff: noqa: S608 - what comes from the file is quoted (literal, numbered); the rest is ours

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

from duckdb import DuckDBPyConnection

from sojourn.errors import Invalid
from sojourn.ingest.files.format import File, Format
from sojourn.ingest.files.instants import literal
from sojourn.ingest.files.table import Leaf, Table, connect, told

_LONGEST_LINE = 1_000_000  # bytes; a longer one is a bad row, not a reason to run out of memory
_NUMBER = r"-?(0|[1-9]\d{0,14})(\.\d+)?"  # 007 is no number, and longer ones no float64 holds


def _open(file: File) -> Table:
    header = _header(file.path)
    parting = max(",;\t|", key=header.count)
    names = _names(header, parting)
    connection = connect()
    if header.count(parting) or len(header.split()) < 2:
        relation = _parted(file.path, parting, len(names))
    else:
        names = dict.fromkeys(header.split())
        relation = _aligned(file.path, len(names))
    with told(file):
        kinds = _kinds(connection, relation, len(names))
    leaves = {name: Leaf(f"c{n}", kinds[n](f"c{n}")) for n, name in enumerate(names)}
    return Table(file, connection, relation, leaves)


format_ = Format("csv", (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"), _open)


def _header(path: Path) -> str:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline=None) as lines:
            header = lines.readline(_LONGEST_LINE).rstrip("\n")
    except UnicodeDecodeError as error:
        raise Invalid("is not UTF-8", source=str(path), line=1) from error
    if not header.strip():
        raise Invalid("has no header with the names of its columns", source=str(path), line=1)
    return header


def _names(header: str, parting: str) -> dict[str, None]:
    names = [name.strip() for name in next(csv.reader([header], delimiter=parting))]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise Invalid(f"two columns are named {repeated[0]!r}", line=1)
    return dict.fromkeys(names)


def _parted(path: Path, parting: str, columns: int) -> str:
    types = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(columns))
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, delim = {literal(parting)},"
        f" quote = '\"', escape = '\"', columns = {{{types}}}, store_rejects = true,"
        f" max_line_size = {_LONGEST_LINE})"
    )


def _aligned(path: Path, columns: int) -> str:
    """Words parted by runs of spaces, as in statistics' data files; \x1f parts nothing in a text file."""
    parts = ", ".join(f"part[{n + 1}] AS c{n}" for n in range(columns))
    lines = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, delim = '\x1f', quote = '',"
        f" escape = '', columns = {{'line': 'VARCHAR'}}, max_line_size = {_LONGEST_LINE})"
    )
    return f"(SELECT {parts} FROM (SELECT regexp_split_to_array(trim(line), '\\s+') AS part FROM {lines}))"


def _kinds(connection: DuckDBPyConnection, relation: str, columns: int) -> list[Callable[[str], str]]:
    """How each column's texts are written as JSON: numbers where all of them are, or true and false."""
    asked = ", ".join(
        f"coalesce(bool_and(regexp_full_match(c{n}, {literal(_NUMBER)})), false),"
        f" coalesce(bool_and(lower(c{n}) IN ('true', 'false')), false)"
        for n in range(columns)
    )
    [answers] = connection.execute(f"SELECT {asked} FROM {relation}").fetchall()
    pairs = zip(answers[::2], answers[1::2], strict=True)
    return [_plain if number else _lower if truth else _quoted for number, truth in pairs]


def _plain(column: str) -> str:
    return column


def _lower(column: str) -> str:
    return f"lower({column})"


def _quoted(column: str) -> str:
    return f"to_json({column})::VARCHAR"
