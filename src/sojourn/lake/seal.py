"""Seals a range of the log: its rows, sorted and shredded, become one segment in each bucket they touch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sojourn.lake.folder import Folder
from sojourn.lake.rows import CORE, Rows, arranged
from sojourn.lake.segment import GROUP_ROWS, Segment, Title, buckets, write


def seal(folder: Folder, rows: Rows, first: int, last: int) -> tuple[Segment, ...]:
    """Writes the rows of the range first..last and answers the entries to list, by bucket.

    A range sealed again after a kill writes the same files again.  Raises Unavailable where the
    disk refuses, BrokenInvariant where a row holds no JSON object.
    """
    table = arranged(rows)
    places = buckets(table["subject"].to_numpy())
    cuts = np.append(np.flatnonzero(np.diff(places, prepend=-1)), len(places))
    return tuple(
        _sealed(folder, table[low:high], Title(int(places[low]), first, last))
        for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    )


def _sealed(folder: Folder, table: pa.Table, title: Title) -> Segment:
    used = [name for name in table.schema.names if name in CORE.names or table[name].null_count < len(table)]
    kept = table.select(used)
    groups = (kept[low : low + GROUP_ROWS] for low in range(0, len(kept), GROUP_ROWS))
    return write(folder, title, kept.schema, groups)
