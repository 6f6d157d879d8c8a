"""Imports history from files in chunks, each committed with how far it has come: a kill costs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.errors import Invalid, NotFound
from sojourn.ingest import formats
from sojourn.ingest.accept import Accepted, Books, accept
from sojourn.ingest.arrivals import Arrivals, recognised
from sojourn.ingest.files.format import Chunk, Content, File, Format, Survey
from sojourn.ingest.files.mapping import Mapping
from sojourn.registry import declared
from sojourn.store.database import Database
from sojourn.store.files import imports
from sojourn.store.files.imports import Import
from sojourn.tape.hashing import hash_text

_Written: TypeAlias = tuple[int, Callable[[], None]]
"""How many events counted, and what is to be remembered once they are committed."""

_CHUNK = 10_000  # rows of one transaction: a tenth of a second, for which other writers wait


class Imported(msgspec.Struct, frozen=True):
    """What came of an import; rows of an earlier run that was broken off are in `resumed`."""

    rows: int
    events: int  # that were not there yet
    repeated: int
    bad: int
    resumed: int


def survey(path: Path, mapping: Mapping, now: int, kind: str = "") -> Survey:
    """What an import would do, without doing it.  Raises Invalid or NotFound."""
    return _open(File(path, mapping, 0, now), kind).survey()


def run(
    database: Database,
    books: Books,
    path: Path,
    mapping: Mapping,
    kind: str = "",
    progress: Callable[[int, int], None] = lambda done, rows: None,
) -> Imported:
    """Import a file; one that was imported so before adds nothing, one that was broken off is resumed.

    `kind` names the format where the file's ending does not.  `progress` is told rows done and rows
    in all after each commit.  Raises Invalid, NotFound or Unavailable.
    """
    fingerprint = _fingerprint(path, mapping, kind)
    written = msgspec.json.encode(mapping).decode()
    begun = database.write(lambda c: imports.begin(c, path.name, fingerprint, written, database.now()))
    content = _open(File(path, mapping, hash_text(fingerprint), begun.created), kind)
    return _Run(database, books, begun, progress).through(content)


def format_of(path: Path, kind: str = "") -> Format:
    """The format of that name, else the one whose ending the file has; raises Invalid."""
    known = declared(formats, Format)
    if kind:
        if kind not in known:
            raise Invalid(f"{kind!r} is no format; there are {', '.join(known)}", place="format")
        return known[kind]
    fitting = [
        (len(ending), name)
        for name, one in known.items()
        for ending in one.endings
        if path.name.lower().endswith(ending)
    ]
    if not fitting:
        raise Invalid(f"its ending names no format: say which ({', '.join(known)})", source=str(path))
    return known[max(fitting)[1]]


def _open(file: File, kind: str) -> Content:
    if not file.path.is_file():
        raise NotFound(f"there is no file {file.path}")
    return format_of(file.path, kind).open(file)


def _fingerprint(path: Path, mapping: Mapping, kind: str) -> str:
    """Of the content, whatever the file is called, and of how it is read."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "blake2b")
    digest.update(msgspec.json.encode((mapping, format_of(path, kind).name)))
    return digest.hexdigest()[:32]


class _Run:
    """One import under way: while a chunk is written the next is read."""

    def __init__(
        self, database: Database, books: Books, begun: Import, progress: Callable[[int, int], None]
    ) -> None:
        self._database, self._books, self._begun, self._progress = database, books, begun, progress
        self._done, self._events, self._repeated, self._bad = begun.done, 0, 0, 0

    def through(self, content: Content) -> Imported:
        rows = content.rows()
        under_way: tuple[Chunk, Future[_Written]] | None = None
        for chunk in content.chunks(self._begun.done, _CHUNK):
            self._finish(under_way, rows)
            under_way = chunk, self._database.submit(self._writing(chunk), wake=True)
        self._finish(under_way, rows)
        self._database.write(lambda c: imports.advance(c, self._begun.id, self._done, self._now, "done"))
        return Imported(
            rows=self._done - self._begun.done,
            events=self._events,
            repeated=self._repeated,
            bad=self._bad,
            resumed=self._begun.done,
        )

    @property
    def _now(self) -> int:
        return self._database.now()

    def _finish(self, under_way: tuple[Chunk, Future[_Written]] | None, rows: int) -> None:
        if under_way is None:
            return
        chunk, future = under_way
        counted, learn = future.result()
        learn()
        self._done, self._bad = chunk.last, self._bad + chunk.bad
        self._events += counted
        self._repeated += len(chunk.arrivals) - counted
        self._progress(self._done, max(rows, self._done))

    def _writing(self, chunk: Chunk) -> Callable[[Connection], _Written]:
        def write(connection: Connection) -> _Written:
            arriving = recognised(chunk.arrivals, self._books.memory)
            accepted = accept(connection, arriving, self._books, self._now)
            imports.advance(connection, self._begun.id, chunk.last, self._now)
            return int(accepted.counted.sum()), partial(self._learn, arriving, accepted)

        return write

    def _learn(self, arriving: Arrivals, accepted: Accepted) -> None:
        if not len(arriving.claims.links):
            owners, first = np.unique(arriving.owners, return_index=True)
            owners, first = owners[owners >= 0], first[owners >= 0]
            identities = [arriving.claims.identities[owner] for owner in owners.tolist()]
            self._books.memory.learn_alone(identities, accepted.subjects[first], accepted.customers[first])
