"""Writes chosen rows of some segments as one new segment, a group of rows at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sojourn.lake.folder import Folder
from sojourn.lake.rows import CORE, NAMES, noting, rest_of
from sojourn.lake.segment import GROUP_ROWS, Segment, Title, write
from sojourn.lake.shred import MOST_NAMES, NUMBERS, TEXTS, TEXTS_OF, typed
from sojourn.lake.source import Sealed, values
from sojourn.tape.tape import Ints


def rewritten(
    folder: Folder,
    segments: Sequence[Segment],
    sources: Sequence[Sealed],
    order: Ints,
    *,
    cleaned: bool = False,
) -> Segment:
    """The segment, one generation on, of these rows in this order (int64[n], rows of all sources one
    after the other, rising within each); `cleaned` of names that none of them carries."""
    title = Title(
        bucket=segments[0].bucket,
        first=min(segment.first for segment in segments),
        last=max(segment.last for segment in segments),
        generation=max(segment.generation for segment in segments) + 1,
    )
    schema = _schema(sources, [segment.rows for segment in segments])
    if cleaned:
        schema = _in_use(schema, _groups(sources, order, schema))
    return write(folder, title, schema, _groups(sources, order, schema))


def _schema(sources: Sequence[Sealed], rows: Sequence[int]) -> pa.Schema:
    """The columns of all sources; typed ones for the names that most rows' sources type."""
    weights: Counter[str] = Counter()
    endings: set[str] = set()
    for source, count in zip(sources, rows, strict=True):
        for name in typed(source.schema.names):
            weights[name] += count
        endings |= set(source.schema.names)
    rest = set(weights).union(*(source.rest for source in sources))
    fields = list(CORE)
    for kind in TEXTS_OF:
        often = sorted(
            (name for name in weights if name.startswith(kind)), key=lambda name: (-weights[name], name)
        )
        for name in sorted(often[:MOST_NAMES]):
            rest.discard(name)
            hidden = any(name in source.rest for source in sources)  # of either type, for all we know
            fields += [pa.field(f"{name}{NUMBERS}", pa.float64())] * (hidden or f"{name}{NUMBERS}" in endings)
            fields += [pa.field(f"{name}{TEXTS}", NAMES)] * (hidden or f"{name}{TEXTS}" in endings)
    return pa.schema(fields, noting(sorted(rest)))


def _in_use(schema: pa.Schema, groups: Iterator[pa.Table]) -> pa.Schema:
    """The schema without names that only what is erased carried: a name, too, may tell of a person."""
    used, rest = set(CORE.names), set[str]()
    for group in groups:
        used.update(name for name in schema.names if group[name].null_count < len(group))
        for name in rest_of(schema) - rest:
            written = msgspec.json.encode(name[2:]).decode()
            if pc.any(pc.match_substring(group[TEXTS_OF[name[:2]]], written)).as_py():
                rest.add(name)
    return pa.schema([field for field in schema if field.name in used], noting(sorted(rest)))


def _groups(sources: Sequence[Sealed], order: Ints, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows in order, a group of them at a time, holding one group of each source in memory."""
    cursors = [_Cursor(source, schema) for source in sources]
    begins = np.append(0, np.cumsum([cursor.ends[-1] for cursor in cursors]))
    for low in range(0, len(order), GROUP_ROWS):
        rows = order[low : low + GROUP_ROWS]
        origin = np.searchsorted(begins, rows, "right") - 1
        parts = [cursor.take(rows[origin == i] - begins[i]) for i, cursor in enumerate(cursors)]
        places = np.argsort(np.argsort(origin, kind="stable"), kind="stable")
        yield pa.concat_tables(parts).take(pa.array(places))


class _Cursor:
    """Goes through one source; rows are asked for in rising order, so no group is read twice."""

    def __init__(self, source: Sealed, schema: pa.Schema) -> None:
        self._source, self._schema = source, schema
        self.ends = np.cumsum([len(source.read(group, ["subject"])) for group in range(source.groups)])
        self._group, self._table = -1, schema.empty_table()

    def take(self, rows: Ints) -> pa.Table:
        """The rows (int64[k], strictly increasing) of the source."""
        groups = np.searchsorted(self.ends, rows, "right")
        begins = np.append(0, self.ends)
        parts = [
            self._read(group).take(pa.array(rows[groups == group] - begins[group]))
            for group in np.unique(groups).tolist()
        ]
        return pa.concat_tables([self._schema.empty_table(), *parts])

    def _read(self, group: int) -> pa.Table:
        if group != self._group:
            core = self._source.read(group, CORE.names)
            found = dict(zip(CORE.names, core.columns, strict=True))
            for name in typed(self._schema.names):
                found.update(
                    {
                        f"{name}{ending}": column
                        for ending, column in values(self._source, group, name).items()
                    }
                )
            columns = [found.get(field.name, pa.nulls(len(core), field.type)) for field in self._schema]
            self._group, self._table = group, pa.table(columns, self._schema)
        return self._table
