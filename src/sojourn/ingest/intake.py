"""Gathers what requests bring and writes it together, so that one commit serves many of them."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import msgspec
import numpy as np
import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from sojourn.errors import SojournError, Unavailable
from sojourn.ingest.accept import Books, accept
from sojourn.ingest.arrivals import arrivals
from sojourn.ingest.event import Event, Reading
from sojourn.store.access import crash
from sojourn.store.access.trouble import trouble
from sojourn.store.database import Database
from sojourn.store.files import quarantine
from sojourn.store.files.quarantine import Refused

_AT_ONCE = 5_000  # events of one transaction: well under a second; a request's own are never parted
_MOMENT = 0.02  # seconds; a group of usual size takes 5 ms
_POISON = (
    *(SojournError, SQLAlchemyError, sqlite3.Error, psycopg.Error),
    *(ValueError, TypeError, ArithmeticError, LookupError),
)
"""What an event may raise that cannot be written."""


Lesson: TypeAlias = Callable[[], None]


def _nothing() -> None:
    """Nothing was learned."""


@dataclass(frozen=True, eq=False)
class _Request:
    reading: Reading
    source: str
    stored: Future[None] = field(default_factory=Future)


class Intake:
    """The door through which events come into the database of this process."""

    def __init__(self, database: Database, books: Books) -> None:
        self._database, self._books = database, books
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._waiting: deque[_Request] = deque()
        self._asked = False
        self._backlog = 0

    @property
    def backlog(self) -> int:
        """Events that are not yet durable."""
        return self._backlog

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Compute while no group is being put together, but wait for that no longer than a moment.

        Two threads that both compute hand the interpreter back and forth with every row; in turns, one
        reads calls while the other waits for the disk: a third more events a second.
        """
        mine = self._turn.acquire(timeout=_MOMENT)
        try:
            yield
        finally:
            if mine:
                self._turn.release()

    def take(self, reading: Reading, source: str) -> Future[None]:
        """Write what a request brought; the future answers once it is durable.

        What was rejected goes to quarantine, with `source` to say where it came from.  The future
        raises Unavailable when the database cannot take it now.
        """
        request = _Request(reading, source)
        with self._lock:
            self._waiting.append(request)
            self._backlog += len(reading.events)
            ask, self._asked = not self._asked, True
        if ask:
            self._submit([])
        return request.stored

    def _submit(self, group: list[_Request], *, carefully: bool = False) -> None:
        """Queue the writing of a group; an empty one is filled when its turn has come."""
        write = partial(self._write, group=group, carefully=carefully)
        try:
            done = self._database.submit(write, wake=True)
        except Unavailable as error:
            self._fail(group or self._next(), error)
        else:
            done.add_done_callback(partial(self._answer, group, carefully))

    def _write(self, connection: Connection, group: list[_Request], carefully: bool) -> Lesson:
        """Answers what may be learned once this is committed."""
        if not group:
            group.extend(self._next())
        now = self._database.now()
        quarantine.keep(connection, [one for request in group for one in _refused(request, now)])
        if carefully:
            for request in group:
                for event in request.reading.events:
                    self._try(connection, event, request.source, now)
            return _nothing
        events = [event for request in group for event in request.reading.events]
        if self._database.dialect == "sqlite":
            with self._turn:
                return self._accept(connection, events, now)
        return self._accept(connection, events, now)  # several writers, who mostly wait for the server

    def _accept(self, connection: Connection, events: list[Event], now: int) -> Lesson:
        arriving = arrivals(events, self._books.memory)
        accepted = accept(connection, arriving, self._books, now)
        new = np.flatnonzero(arriving.owners >= 0)
        told = [event for event in events if not event.alias]
        strangers = [told[place] for place in new.tolist()]
        return partial(self._books.memory.learn, strangers, accepted.subjects[new], accepted.customers[new])

    def _next(self) -> list[_Request]:
        """The requests of one transaction; those that are left are asked for again."""
        group, size = list[_Request](), 0
        with self._lock:
            while self._waiting and (not group or size + len(self._waiting[0].reading.events) <= _AT_ONCE):
                group.append(self._waiting.popleft())
                size += len(group[-1].reading.events)
            self._asked = more = bool(self._waiting)
        if more:
            self._submit([])
        return group

    def _try(self, connection: Connection, event: Event, source: str, now: int) -> None:
        """Write one event by itself; one that cannot be written goes to quarantine (P4)."""
        try:
            with connection.begin_nested():
                self._accept(connection, [event], now)
        except _POISON as error:
            if trouble(error):
                raise
            raw = msgspec.json.encode(event).decode()
            quarantine.keep(connection, [Refused(now, source, raw, f"cannot be written: {error}"[:500])])

    def _answer(self, group: list[_Request], carefully: bool, done: Future[Lesson]) -> None:
        error = done.exception()
        if error is None:
            crash.point("before an answer")
            done.result()()
            for request in self._release(group):
                request.stored.set_result(None)
        elif isinstance(error, Unavailable) or carefully:
            self._fail(group or self._next(), error)  # it is empty where its turn never came
        else:
            self._submit(group, carefully=True)

    def _fail(self, group: list[_Request], error: BaseException) -> None:
        for request in self._release(group):
            request.stored.set_exception(error)

    def _release(self, group: list[_Request]) -> list[_Request]:
        with self._lock:
            self._backlog -= sum(len(request.reading.events) for request in group)
        return group


def _refused(request: _Request, now: int) -> Iterator[Refused]:
    for one in request.reading.rejected:
        reason = f"{one.place}: {one.why}" if one.place else one.why
        yield Refused(now, request.source, one.event.decode(errors="replace").replace("\0", "\ufffd"), reason)
