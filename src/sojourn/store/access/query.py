"""A question that is asked again and again: compiled once for each store, answered as whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Select,
    TextualSelect,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

from sojourn.store.access.rows import driver, is_postgres
from sojourn.tape.tape import Ints

Given = int | Ints | None

_texts = msgspec.json.Decoder(list[str]).decode


class Query:
    """A statement whose bound parameters are given by name: numbers, nothing or, for `one_of`, int64[k].

    The database gathers each column into one value, an array or a text with all numbers, which takes
    half the time of a tuple a row; no column may hold null.
    """

    def __init__(self, statement: Select[Any] | TextualSelect) -> None:
        self._statement = statement
        self._compiled: dict[str, SQLCompiler] = {}

    def __call__(self, connection: Connection, **given: Given) -> dict[str, Any]:
        """The rows by column: int64[n] for integers, a list of n texts otherwise."""
        ask = _of_postgres if is_postgres(connection) else _of_sqlite
        compiled = self._compiled.get(connection.dialect.name)
        if compiled is None:
            compiled = self._compiled[connection.dialect.name] = _compile(self._statement, connection)
        found = ask(connection, compiled, {**compiled.params, **given})
        return {
            column.name: _column(column, values)
            for column, values in zip(self._statement.selected_columns, found, strict=True)
        }


class one_of(ColumnElement[bool]):  # noqa: N801 - reads as a condition, like those of SQLAlchemy
    """The condition that an integer column is one of many values, given under a name as int64[k]."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[int], name: str) -> None:
        self.column, self.values = column, bindparam(name, type_=NullType(), required=True)

    @property
    def _from_objects(self) -> list[Any]:
        return self.column._from_objects

    def self_group(self, against: Any = None) -> one_of:
        """Itself: it is a condition wherever it stands, so it need not be compared with true."""
        return self


@compiles(one_of, "sqlite")
def _listed(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in (element.column, element.values))
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(one_of, "postgresql")
def _any(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in (element.column, element.values))
    return f"{column} = ANY({values})"


def _compile(statement: Select[Any] | TextualSelect, connection: Connection) -> SQLCompiler:
    inner = statement.subquery()
    gathered = _arrays if is_postgres(connection) else _lists
    compiled = select(*(gathered(column) for column in inner.c)).compile(dialect=connection.dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _arrays(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.array_agg(cast(column, BigInteger) if _whole(column) else column)


def _lists(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.group_concat(column) if _whole(column) else func.json_group_array(column)


def _of_postgres(connection: Connection, compiled: SQLCompiler, given: dict[str, Any]) -> Sequence[Any]:
    found: Sequence[Any] = driver(connection).cursor(binary=True).execute(compiled.string, given).fetchone()
    return found


def _of_sqlite(connection: Connection, compiled: SQLCompiler, given: dict[str, Any]) -> Sequence[Any]:
    values = [given[name] for name in compiled.positiontup or ()]
    values = [
        msgspec.json.encode(value.tolist()).decode() if isinstance(value, np.ndarray) else value
        for value in values
    ]
    found: Sequence[Any] = driver(connection).execute(compiled.string, values).fetchone()
    return found


def _column(column: ColumnElement[Any], gathered: Any) -> Any:
    if isinstance(gathered, str):
        return np.fromstring(gathered, np.int64, sep=",") if _whole(column) else _texts(gathered)
    if gathered is None:
        return np.empty(0, np.int64) if _whole(column) else []
    return gathered


def _whole(column: ColumnElement[Any]) -> bool:
    return isinstance(column.type, Integer)
