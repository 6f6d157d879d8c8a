"""Rows of the log on their way to rest: as columns, sorted as a segment is, their values typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from sojourn.lake.shred import TEXTS_OF, shredded
from sojourn.tape.tape import Ints

NAMES = pa.dictionary(pa.int32(), pa.string())
CORE = pa.schema(
    [
        ("subject", pa.int64()),
        ("happened", pa.int64()),  # microseconds UTC
        ("received", pa.int64()),  # microseconds UTC
        ("position", pa.int64()),
        ("key", pa.int64()),
        ("run", pa.int64()),
        ("name", NAMES),
        ("origin", pa.int8()),
        ("properties", pa.string()),  # JSON object of scalars by dotted path
        ("traits", pa.string()),
    ]
)
"""What every segment holds; beside it stand the typed columns of its properties and traits."""

_REST = b"sojourn.rest"


@dataclass(frozen=True)
class Rows:
    """n rows of the log, in any order; `properties` and `traits` are JSON objects of scalars, or empty."""

    subject: Ints  # int64[n], as are the next five
    happened: Ints
    received: Ints
    position: Ints
    key: Ints
    run: Ints
    name: Sequence[str]
    origin: Ints
    properties: Sequence[str]
    traits: Sequence[str]

    def __len__(self) -> int:
        return len(self.subject)


def arranged(rows: Rows) -> pa.Table:
    """The rows by (subject, received, position), with their properties and traits shredded.

    Raises BrokenInvariant where a text is no JSON object.
    """
    order = pa.array(np.lexsort((rows.position, rows.received, rows.subject)))
    table = pa.table([_column(rows, field) for field in CORE], CORE).take(order)
    rest: list[str] = []
    for kind, texts in TEXTS_OF.items():
        found = shredded(table[texts].combine_chunks(), kind)
        rest.extend(found.rest)
        for name, column in found.columns.items():
            table = table.append_column(name, column)
    return table.replace_schema_metadata(noting(rest))


def noting(rest: Sequence[str]) -> dict[bytes, bytes]:
    """What a table's metadata says of the names (`p.amount`) that only its JSON texts hold."""
    return {_REST: msgspec.json.encode(sorted(rest))}


def rest_of(schema: pa.Schema) -> frozenset[str]:
    """The names (`p.amount`) that only the JSON texts of this table hold."""
    return frozenset(msgspec.json.decode((schema.metadata or {}).get(_REST, b"[]"), type=list[str]))


def _column(rows: Rows, field: pa.Field) -> pa.Array:
    values = getattr(rows, field.name)
    if field.type == NAMES:
        return pa.array(values, pa.string()).dictionary_encode()
    if field.type == pa.string():
        return pa.array([text or "{}" for text in values], pa.string())
    return pa.array(values, field.type)
