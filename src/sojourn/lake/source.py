"""Reads one segment, or rows not yet sealed, a row group at a time and only the columns asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sojourn.lake.folder import Folder
from sojourn.lake.rows import rest_of
from sojourn.lake.segment import GROUP_ROWS, Segment
from sojourn.lake.shred import NUMBERS, TEXTS, TEXTS_OF, shredded
from sojourn.tape.tape import Ints


class Source(Protocol):
    """Rows by (subject, received, position), in groups; `rest` are names that only JSON texts hold."""

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def rest(self) -> frozenset[str]: ...

    @property
    def groups(self) -> int: ...

    def read(self, group: int, columns: Sequence[str]) -> pa.Table: ...

    def span(self, group: int) -> tuple[int, int]:
        """The smallest and the largest subject of a group."""
        ...


class Sealed:
    """A segment's file, held open, so that what reads it later still finds it after a merge."""

    def __init__(self, folder: Folder, segment: Segment) -> None:
        self._file = pq.ParquetFile(folder.read(segment.name))
        self.schema: pa.Schema = self._file.schema_arrow
        self.rest = rest_of(self.schema)
        self.groups: int = self._file.num_row_groups

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        return self._file.read_row_group(group, list(columns))

    def span(self, group: int) -> tuple[int, int]:
        statistics = self._file.metadata.row_group(group).column(0).statistics
        return statistics.min, statistics.max


class Unsealed:
    """Arranged rows in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.schema: pa.Schema = table.schema
        self.rest = rest_of(self.schema)
        self.groups = -(-len(table) // GROUP_ROWS)

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        return self._rows(group).select(list(columns))

    def span(self, group: int) -> tuple[int, int]:
        subjects = self._rows(group)["subject"].to_numpy()
        return int(subjects[0]), int(subjects[-1])

    def _rows(self, group: int) -> pa.Table:
        return self._table[group * GROUP_ROWS : (group + 1) * GROUP_ROWS]


def groups_of(source: Source, subjects: Ints | None = None) -> Iterator[int]:
    """The groups that may hold one of these subjects (strictly increasing), or all."""
    for group in range(source.groups):
        low, high = source.span(group)
        if subjects is None or np.searchsorted(subjects, low) < np.searchsorted(subjects, high, "right"):
            yield group


def values(source: Source, group: int, name: str) -> dict[str, pa.ChunkedArray]:
    """The typed columns of a property or trait (`p.amount`) in a group, by their endings; none where
    the source does not know it."""
    if name in source.rest:
        kind = name[:2]
        texts = source.read(group, [TEXTS_OF[kind]])[0].combine_chunks()
        found = shredded(texts, kind, name[2:]).columns
        return {column[-2:]: pa.chunked_array([array]) for column, array in found.items()}
    there = [f"{name}{ending}" for ending in (NUMBERS, TEXTS) if f"{name}{ending}" in source.schema.names]
    table = source.read(group, there) if there else None
    return {column[-2:]: table[column] for column in there} if table else {}
