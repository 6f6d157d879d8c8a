"""Rows in bulk, as columns: COPY, arrays and executemany behind verbs that are the same on both stores."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, bindparam, func, select
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import NullType

from sojourn.tape.tape import Bools, Ints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Columned = TypeVar("Columned", bound="DataclassInstance")

_integers = msgspec.json.Decoder(list[int]).decode
_texts = msgspec.json.Decoder(list[str]).decode

Rows = Mapping[str, Any]
"""n rows by column: int64[n] for integers, a sequence of n texts for texts."""


def insert(connection: Connection, table: Table, rows: Rows) -> None:
    """Write new rows; columns that are not given take their defaults."""
    names = _quoted(rows)
    if is_postgres(connection):
        with driver(connection).cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in _tuples(rows):
                copy.write_row(row)
    else:
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({_marks(rows)})"
        driver(connection).executemany(statement, _tuples(rows))


def insert_missing(connection: Connection, table: Table, rows: Rows, unique: Sequence[str]) -> Bools:
    """Write those of n rows whose `unique` columns are not there yet; answers which, bool[n].

    Of rows that repeat each other the first is written.
    """
    if is_postgres(connection):
        try:  # COPY takes a quarter of the time of INSERT, but stops at the first that is there
            with connection.begin_nested():
                insert(connection, table, rows)
            return np.ones(_size(rows), np.bool_)
        except psycopg.errors.UniqueViolation:
            pass
    statement = f"INSERT INTO {table.name} ({_quoted(rows)}) {{}} ON CONFLICT ({_quoted(unique)}) DO NOTHING"
    if not is_postgres(connection):
        return _each(connection, statement.format(f"VALUES ({_marks(rows)})"), rows)
    cursor = driver(connection).cursor(binary=True)
    statement = statement.format(f"SELECT * FROM {_unnest(rows)}") + f" RETURNING {_quoted(unique)}"
    written = set(cursor.execute(statement, _arrays(rows)).fetchall())
    first = {values: nth for nth, values in reversed(list(enumerate(_tuples({u: rows[u] for u in unique}))))}
    mask = np.zeros(_size(rows), np.bool_)
    mask[[first[values] for values in written]] = True
    return mask


def update(connection: Connection, table: Table, rows: Rows, key: Sequence[str], *, also: str = "") -> None:
    """Set all other columns of the rows that match on `key`; `also` is a further assignment."""
    statement = _update(connection, table, rows, key, also)
    if is_postgres(connection):
        driver(connection).execute(statement, _arrays(rows))
    else:
        driver(connection).executemany(statement, _tuples(_key_last(rows, key)))


def update_where(
    connection: Connection, table: Table, rows: Rows, key: Sequence[str], where: str, *, also: str = ""
) -> Bools:
    """The same where the stored row meets a condition; answers which of n did, bool[n]."""
    if not is_postgres(connection):
        statement = f"{_update(connection, table, rows, key, also)} AND {where}"
        return _each(connection, statement, _key_last(rows, key))
    statement = f"{_update(connection, table, rows, key, also)} AND {where} RETURNING new.nth - 1"
    met = driver(connection).cursor(binary=True).execute(statement, _arrays(rows)).fetchall()
    touched = np.zeros(_size(rows), np.bool_)
    touched[[nth for (nth,) in met]] = True
    return touched


def add(connection: Connection, table: Table, rows: Rows, key: Sequence[str], amount: str) -> None:
    """Add `amount` to the rows that match on `key`, making those that are missing."""
    names, unique = _quoted(rows), _quoted(key)
    adding = f"ON CONFLICT ({unique}) DO UPDATE SET {amount} = {table.name}.{amount} + excluded.{amount}"
    if is_postgres(connection):
        statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM {_unnest(rows)} {adding}"
        driver(connection).execute(statement, _arrays(rows))
    else:
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({_marks(rows)}) {adding}"
        driver(connection).executemany(statement, _tuples(rows))


def fetch(connection: Connection, statement: ReturnsRows) -> dict[str, Any]:
    """The rows that a statement answers, by column: int64[n] for integers, a list otherwise."""
    columns = statement.exported_columns
    if isinstance(statement, Select) and not is_postgres(connection):
        return _packed(connection, statement)
    found = connection.execute(statement).cursor.fetchall()  # type: ignore[call-overload]
    by_column: Iterable[Sequence[Any]] = zip(*found, strict=True) if found else ((),) * len(columns)
    return {
        column.name: np.array(column_values, dtype=np.int64)
        if isinstance(column.type, Integer)
        else list(column_values)
        for column, column_values in zip(columns, by_column, strict=True)
    }


def _packed(connection: Connection, statement: Select[Any]) -> dict[str, Any]:
    """The same of SQLite, each column as one JSON text: a third of the time of a tuple a row."""
    inner = statement.subquery()
    texts = connection.execute(select(*(func.json_group_array(column) for column in inner.c))).one()
    return {
        column.name: np.array(_integers(text), np.int64) if isinstance(column.type, Integer) else _texts(text)
        for column, text in zip(inner.c, texts, strict=True)
    }


def taken(some: Columned, rows: Ints) -> Columned:
    """The given rows of a frozen dataclass whose every field is a column."""
    columns = {field.name: getattr(some, field.name) for field in fields(some)}
    return replace(
        some,
        **{
            name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]
            for name, column in columns.items()
        },
    )


def joined(parts: Sequence[Columned]) -> Columned:
    """All of some frozen dataclasses of columns, one after another; at least one is needed."""
    if len(parts) == 1:
        return parts[0]
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(parts[0])}
    return replace(
        parts[0],
        **{
            name: np.concatenate(column) if isinstance(column[0], np.ndarray) else list(chain(*column))
            for name, column in columns.items()
        },
    )


def among(connection: Connection, column: ColumnElement[int], values: Ints) -> ColumnElement[bool]:
    """The condition that an integer column is one of many values, as one parameter."""
    if is_postgres(connection):
        return column == func.any(bindparam(None, values, type_=NullType()))
    listed = func.json_each(str(values.tolist())).table_valued("value")
    return column.in_(listed.select())


def is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def driver(connection: Connection) -> Any:
    """The driver's own connection (sqlite3 or psycopg), within the same transaction."""
    return connection.connection.driver_connection


class ArrayDumper(Dumper):
    """Sends int64[n] to PostgreSQL as bigint[] in its binary form, without a Python object a value."""

    format = Format.BINARY
    oid = 1016  # bigint[]

    def dump(self, obj: Any) -> bytes:
        body = np.empty(len(obj), dtype=[("length", ">i4"), ("value", ">i8")])
        body["length"], body["value"] = 8, obj
        if not len(obj):
            return struct.pack(">iii", 0, 0, 20)
        return struct.pack(">iiiii", 1, 0, 20, len(obj), 1) + body.tobytes()


class ArrayLoader(Loader):
    """Takes a bigint[] that PostgreSQL sends in its binary form as int64[n]."""

    format = Format.BINARY

    def load(self, data: bytes | bytearray | memoryview) -> Ints:
        body = np.frombuffer(data, dtype=[("length", ">i4"), ("value", ">i8")], offset=20)
        return body["value"].astype(np.int64)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _marks(rows: Rows) -> str:
    return ", ".join("?" * len(rows))


def _size(rows: Rows) -> int:
    return len(next(iter(rows.values())))


def _tuples(rows: Rows) -> Iterable[tuple[Any, ...]]:
    columns = (c.tolist() if isinstance(c, np.ndarray) else c for c in rows.values())
    return zip(*columns, strict=True)


def _arrays(rows: Rows) -> list[Any]:
    return [c if isinstance(c, np.ndarray) else list(c) for c in rows.values()]


def _unnest(rows: Rows) -> str:
    types = ("%s::bigint[]" if isinstance(c, np.ndarray) else "%s::text[]" for c in rows.values())
    return f"unnest({', '.join(types)})"


def _update(connection: Connection, table: Table, rows: Rows, key: Sequence[str], also: str) -> str:
    value, stored = ('new."{}"', f"{table.name}.") if is_postgres(connection) else ("?", "")
    setting = [f'"{name}" = {value.format(name)}' for name in rows if name not in key] + [also] * bool(also)
    matching = " AND ".join(f'{stored}"{name}" = {value.format(name)}' for name in key)
    source = f" FROM {_unnest(rows)} WITH ORDINALITY AS new ({_quoted(rows)}, nth)"
    return f"UPDATE {table.name} SET {', '.join(setting)}{source * is_postgres(connection)} WHERE {matching}"


def _key_last(rows: Rows, key: Sequence[str]) -> Rows:
    return {name: rows[name] for name in [*(name for name in rows if name not in key), *key]}


def _each(connection: Connection, statement: str, rows: Rows) -> Bools:
    """Run a statement for every row, bool[n]: whether it touched one.

    A row is asked for once the one before it has been done, so what has changed by then tells of that
    one; a savepoint to try them all and look at them one by one would cost a fifth of the writing.
    """
    raw = driver(connection)
    changes = [raw.total_changes]

    def told() -> Iterator[tuple[Any, ...]]:
        for row in _tuples(rows):
            yield row
            changes.append(raw.total_changes)

    raw.executemany(statement, told())
    return np.diff(changes) > 0
