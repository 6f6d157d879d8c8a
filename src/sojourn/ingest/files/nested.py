"""The leaves of a table whose columns have types of their own, and may be nested: dotted paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sojourn.ingest.files.table import Leaf

_WHOLE = {
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "hugeint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
}
_INSTANTS = ("timestamp", "date")
_OPAQUE = {"blob", "bit"}


def leaves(names: Sequence[str], types: Sequence[Any]) -> dict[str, Leaf]:
    """Every leaf by its path, of columns c0, c1 … of these names and DuckDB types."""
    return {path: leaf for n, name in enumerate(names) for path, leaf in _leaves(name, f"c{n}", types[n])}


def _leaves(path: str, sql: str, type_: Any) -> Iterator[tuple[str, Leaf]]:
    kind = type_.id
    if kind == "struct":
        for name, inner in type_.children:
            quoted = name.replace("'", "''")
            yield from _leaves(f"{path}.{name}", f"struct_extract({sql}, '{quoted}')", inner)
    elif kind not in _OPAQUE:
        yield path, _leaf(sql, kind, str(type_))


def _leaf(sql: str, kind: str, written: str) -> Leaf:
    text = f"{sql}::VARCHAR"
    if written == "JSON":
        return _json(sql)
    if kind == "boolean" or kind == "decimal" or kind in _WHOLE:
        return Leaf(text, text)
    if kind in {"double", "float"}:
        whole = f"CASE WHEN {sql} = trunc({sql}) AND abs({sql}) < 1e15 THEN {sql}::BIGINT::VARCHAR"
        return Leaf(f"{whole} ELSE {text} END", f"{whole} WHEN isfinite({sql}) THEN {text} END")
    if kind.startswith(_INSTANTS):
        form = "%Y-%m-%d" if kind == "date" else "%Y-%m-%dT%H:%M:%S.%fZ"
        text = f"strftime({sql}, '{form}')"
    elif kind in {"list", "map", "array", "union"}:
        text = f"to_json({sql})::VARCHAR"
    return Leaf(text, f"to_json({text})::VARCHAR")


def _json(sql: str) -> Leaf:
    """A column whose values differ in kind: scalars as they are, the rest as a JSON text."""
    kept = (
        f"CASE json_type({sql}) WHEN 'NULL' THEN NULL WHEN 'OBJECT' THEN to_json({sql}::VARCHAR)::VARCHAR"
        f" WHEN 'ARRAY' THEN to_json({sql}::VARCHAR)::VARCHAR ELSE {sql}::VARCHAR END"
    )
    return Leaf(f"({sql} ->> '$')", kept)
