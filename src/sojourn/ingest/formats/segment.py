"""Segment calls, one JSON object a line: what an archive of a tracking API holds."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import IO, cast

import msgspec

from sojourn.ingest.arrivals import arrivals
from sojourn.ingest.event import Event, Origin, Rejected
from sojourn.ingest.files.format import BadRow, Chunk, File, Format, Survey
from sojourn.ingest.memory import Memory
from sojourn.ingest.wire.lenient import Envelope
from sojourn.ingest.wire.segment import read
from sojourn.ingest.wire.trust import Source

_SOURCE = Source(Origin.IMPORT)
_FIRST_BAD = 20


class _Calls:
    """The calls of a file; its mapping has nothing to say, as a call says itself who, what and when."""

    def __init__(self, file: File) -> None:
        self._file = file

    def rows(self) -> int:
        with self._opened() as lines:
            return sum(1 for _ in lines)

    def survey(self) -> Survey:
        names, customers, instants = Counter[str](), set[object](), list[int]()
        bad, rows = list[BadRow](), 0
        for rows, read_ in self._read(0):
            if isinstance(read_, Rejected):
                text = read_.event[:80].decode(errors="replace")
                bad.append(BadRow(rows, read_.place, text, read_.why))
            elif read_:
                names[read_.name] += not read_.alias
                customers.add(read_.identities[0])
                instants.append(read_.happened)
        return Survey(
            rows=rows,
            bad=len(bad),
            first_bad=tuple(bad[:_FIRST_BAD]),
            customers=len(customers),
            earliest=min(instants, default=None),
            latest=max(instants, default=None),
            names=tuple((name, count) for name, count in names.most_common(50) if name),
        )

    def chunks(self, after: int, size: int) -> Iterator[Chunk]:
        calls = self._read(after)
        while chunk := list(islice(calls, size)):
            events = [found for _, found in chunk if isinstance(found, Event)]
            bad = sum(isinstance(found, Rejected) for _, found in chunk)
            yield Chunk(chunk[-1][0], bad, arrivals(events, Memory()))

    def _read(self, after: int) -> Iterator[tuple[int, Event | Rejected | None]]:
        """Each row after `after` with its number; None where a call says nothing."""
        with self._opened() as lines:
            for row, line in enumerate(lines, 1):
                if row > after:
                    salt = f"{self._file.fingerprint:x}.{row}"
                    found = read(Envelope([msgspec.Raw(line.strip())]), _SOURCE, self._file.now, salt)
                    event = next(iter(found.events), None)
                    yield row, event or next(iter(found.rejected), None)

    def _opened(self) -> IO[bytes]:
        opened = gzip.open if self._file.path.suffix == ".gz" else open
        return cast("IO[bytes]", opened(self._file.path, "rb"))


format_ = Format("segment", (".segment.jsonl", ".segment.jsonl.gz"), _Calls)
