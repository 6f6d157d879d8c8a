"""How columns of the operational store are written: none is ever null, and keys are whole numbers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Table
from sqlalchemy.schema import SchemaItem

metadata = sa.MetaData()
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite: only INTEGER can be the row id


def table(name: str, *parts: SchemaItem, **options: Any) -> Table:
    """A table of the schema."""
    return Table(name, metadata, *parts, **options)


def row_id(name: str = "id", **options: Any) -> sa.Column[int]:
    """A key that the database counts up."""
    return sa.Column(name, _BIG, primary_key=True, **options)


def hashed(name: str) -> sa.Column[int]:
    """A random key, in an index of its own: rows lie in the order in which they came, and move together."""
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def big(name: str, default: int | None = None, **options: Any) -> sa.Column[int]:
    """A whole number of 64 bits."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=_said(default), **options)


def small(name: str, default: int | None = None, **options: Any) -> sa.Column[int]:
    """A whole number of 16 bits."""
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=_said(default), **options)


def text(name: str, default: str | None = None, **options: Any) -> sa.Column[str]:
    """A text."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default, **options)


def bigs(*names: str) -> list[sa.Column[int]]:
    """Several whole numbers of 64 bits."""
    return [big(name) for name in names]


def texts(*names: str) -> list[sa.Column[str]]:
    """Several texts."""
    return [text(name) for name in names]


def _said(default: int | None) -> Any:
    return None if default is None else sa.text(str(default))
