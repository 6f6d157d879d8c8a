"""What a file format is: how a file of its kind is read as events, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sojourn.ingest.arrivals import Arrivals
from sojourn.ingest.files.mapping import Mapping


@dataclass(frozen=True)
class File:
    """A file on its way in."""

    path: Path
    mapping: Mapping
    fingerprint: int  # of content and mapping: event keys are hashes of it and the row's number
    now: int  # microseconds UTC, the instant of the import


@dataclass(frozen=True)
class BadRow:
    """A row that is no event: its number (from 1, the header not counted), the column and why."""

    row: int
    column: str
    value: str
    why: str


@dataclass(frozen=True)
class Survey:
    """What a file holds, before a row of it is written."""

    rows: int
    bad: int
    first_bad: tuple[BadRow, ...]
    customers: int
    earliest: int | None  # microseconds UTC
    latest: int | None
    names: tuple[tuple[str, int], ...]  # the most frequent, with their counts


@dataclass(frozen=True)
class Chunk:
    """The events of the rows after those of the chunk before, up to and with row `last`."""

    last: int
    bad: int
    arrivals: Arrivals


class Content(Protocol):
    """An opened file.  Both raise Invalid when the file as a whole cannot be read."""

    def rows(self) -> int:
        """About how many rows there are, to show how far one has come."""
        ...

    def survey(self) -> Survey:
        """What the file holds; reads all of it."""
        ...

    def chunks(self, after: int, size: int) -> Iterator[Chunk]:
        """The events of rows after `after`, of about `size` rows at a time; the same at every call."""
        ...


@dataclass(frozen=True)
class Format:
    """One format: the endings by which its files are known, and how one is opened."""

    name: str
    endings: tuple[str, ...]
    open: Callable[[File], Content]
