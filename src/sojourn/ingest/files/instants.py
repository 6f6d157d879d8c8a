"""Finds out how a file writes its times, from all of them, and reads them as microseconds UTC in SQL."""

# ruff: noqa: S608 - what comes from the file is quoted (literal, numbered); the rest is ours

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from sojourn.errors import Invalid

_CLOCKS = ("", " %H:%M", " %H:%M:%S")


def _dates(*days: str) -> str:
    formats = ", ".join(f"'{day}{clock}'" for day in days for clock in _CLOCKS)
    return f"epoch_us(try_strptime({{t}}, [{formats}]))"


_MAIL = "'%a, %d %b %Y %H:%M:%S %z', '%d %b %Y %H:%M:%S %z', '%d/%b/%Y:%H:%M:%S %z'"
_READINGS = {
    "ISO 8601": "epoch_us(try_cast({t} AS TIMESTAMPTZ))",
    "YYYYMMDD": "CASE WHEN regexp_full_match({t}, '\\d{{8}}') THEN epoch_us(try_strptime({t}, '%Y%m%d')) END",
    "epoch": (
        "CASE WHEN regexp_full_match({t}, '-?\\d{{1,17}}(\\.\\d+)?') THEN"
        " CASE WHEN abs({t}::DOUBLE) < 1e11 THEN ({t}::DECIMAL(30, 6) * 1000000)::BIGINT"
        " WHEN abs({t}::DOUBLE) < 1e14 THEN ({t}::DECIMAL(30, 6) * 1000)::BIGINT"
        " ELSE {t}::DECIMAL(30, 6)::BIGINT END END"
    ),
    "day first": _dates("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"),
    "month first": _dates("%m/%d/%Y", "%m-%d-%Y"),
    "month by name": _dates("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y"),
    "mail and server logs": f"epoch_us(try_strptime({{t}}, [{_MAIL}]))",
}
"""Ways to read a text {t} as microseconds UTC, NULL where it is not written so; the first that reads
most wins.  A time without a zone is UTC."""


def reading(connection: DuckDBPyConnection, relation: str, text: str, written: str, column: str) -> str:
    """The SQL that reads the times of a relation; `text` is the SQL of their text, `written` a
    strptime format if one was given.  Raises Invalid when none is a time or two readings differ."""
    if written:
        return f"epoch_us(try_strptime({text}, {literal(written)}))"
    example, filled = _one(connection, f"any_value({text}), count({text})", relation)
    best, most = "", 0
    for name, way in _READINGS.items():
        [read] = _one(connection, f"count({way.format(t=text)})", relation)
        if read > most:
            best, most = name, read
        if most == filled and name != "day first":  # what fits all may be month first as well
            break
    if filled and not best:
        raise Invalid(f"{example!r} is no time; give --time-format if it is one", place=f"column {column}")
    if best == "day first":
        _check_unequivocal(connection, relation, text, most, column)
    return _READINGS[best or "ISO 8601"].format(t=text)


def _check_unequivocal(
    connection: DuckDBPyConnection, relation: str, text: str, most: int, column: str
) -> None:
    day, month = (_READINGS[way].format(t=text) for way in ("day first", "month first"))
    read, example = _one(connection, f"count({month}), any_value({text}) FILTER ({day} <> {month})", relation)
    if read == most and example is not None:
        raise Invalid(
            f"{example!r} can be read day first or month first: give --time-format, as %d/%m/%Y",
            place=f"column {column}",
        )


def _one(connection: DuckDBPyConnection, columns: str, relation: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = connection.execute(f"SELECT {columns} FROM {relation}").fetchall()[0]
    return found


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
