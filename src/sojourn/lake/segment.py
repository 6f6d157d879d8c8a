"""A segment: one immutable Parquet file of the events of a bucket of subjects, and its entry in the list."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sojourn.lake.folder import Folder
from sojourn.lake.shred import TEXTS, TEXTS_OF
from sojourn.tape.tape import Ints

SUBJECTS_A_BUCKET = 1 << 16
"""Subjects are numbered as they come, so a bucket is a range of them: of about a million events
where each has twenty, and buckets read in order give a tape in order."""

GROUP_ROWS = 1 << 16
"""Rows that are compressed together: what is read to answer about one customer."""

_RISING = ("subject", "happened", "received", "position")
_RANDOM = "key"


class Segment(msgspec.Struct, frozen=True):
    """The entry of a segment in the list that the store keeps.

    `first` and `last` are the range of the log that it was sealed from, `earliest` and `latest`
    the instants (microseconds UTC) at which its events happened.
    """

    name: str
    bucket: int
    generation: int
    first: int
    last: int
    earliest: int
    latest: int
    rows: int
    bytes: int


class Title(msgspec.Struct, frozen=True):
    """What names a segment: so that to write one again is to write the same file again."""

    bucket: int
    first: int
    last: int
    generation: int = 0

    @property
    def name(self) -> str:
        return f"{self.bucket:06d}/{self.first:019d}-{self.last:019d}.{self.generation}.parquet"


def buckets(subjects: Ints) -> Ints:
    """The bucket of each subject: int64[n]."""
    return subjects // SUBJECTS_A_BUCKET


def write(folder: Folder, title: Title, schema: pa.Schema, groups: Iterable[pa.Table]) -> Segment:
    """Writes sorted row groups of this schema as one file.  Raises Unavailable where the disk refuses."""
    rows, earliest, latest = 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min
    with folder.writing(title.name) as stream, pq.ParquetWriter(stream, schema, **_options(schema)) as writer:
        for group in groups:
            writer.write_table(_compact(group, schema), row_group_size=GROUP_ROWS)
            span = pc.min_max(group["happened"]).as_py()
            rows, earliest, latest = rows + len(group), min(earliest, span["min"]), max(latest, span["max"])
    size = folder.files.get_file_info(folder.path(title.name)).size
    numbers = (title.bucket, title.generation, title.first, title.last, int(earliest), int(latest))
    return Segment(title.name, *numbers, rows, size)


def _options(schema: pa.Schema) -> dict[str, object]:
    """Numbers that rise are kept as steps; what is random is left alone; texts are compressed harder."""
    texts = {*TEXTS_OF.values(), *(name for name in schema.names if name.endswith(TEXTS))}
    return {
        "use_dictionary": [name for name in schema.names if name not in (*_RISING, _RANDOM)],
        "column_encoding": dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
        "compression": {name: "zstd" if name in texts else "lz4" for name in schema.names},
        "write_statistics": [name for name in schema.names if name not in texts],
    }


def _compact(group: pa.Table, schema: pa.Schema) -> pa.Table:
    """The group with nothing in its dictionaries that no row uses: what is erased must not stay there."""
    columns = []
    for field in schema:
        column = group[field.name].combine_chunks()
        if pa.types.is_dictionary(field.type):
            column = column.cast(pa.string()).dictionary_encode()
        columns.append(column)
    return pa.table(columns, schema)
