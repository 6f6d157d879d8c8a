"""The operational database, SQLite or PostgreSQL: reading, group-committed writing, time and the bell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from sojourn.errors import BrokenInvariant, Misconfigured, Unavailable
from sojourn.store.access import connect, migrate
from sojourn.store.access.awake import Awake, SharedAwake
from sojourn.store.access.clock import Clock, DatabaseClock, wall
from sojourn.store.access.queue import Job, Queue
from sojourn.store.access.reserve import Reserve
from sojourn.store.access.trouble import Trouble, trouble, unavailable
from sojourn.store.access.writer import Writer

Answer = TypeVar("Answer")

_CAPACITY = 2_000  # works that wait; some seconds of writing
_GROUP = 512  # works in one transaction: more would make the first wait too long for its answer
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class Database:
    """One open database; made by `Database.open`, ended by `close`."""

    def __init__(
        self,
        url: URL,
        clock: Clock | None,
        writers: int,
        on_broken: Callable[[BaseException], None],
        reserve: Reserve | None = None,
    ) -> None:
        self.url, self.dialect = url, url.get_backend_name()
        shared = self.dialect == "postgresql"
        self._writing, self._reading = connect.engines(url, writers)
        _prepare(self._writing)  # before anything that would have to be ended again
        self.awake = SharedAwake(self._listener) if shared else Awake()
        self.now: Clock = clock or (DatabaseClock(self._ask) if shared else wall)
        self._on_broken, self._reserve = on_broken, reserve
        self._grouped = Queue(_CAPACITY)
        self._alone = Queue(_CAPACITY) if shared else self._grouped  # SQLite has one writer
        lanes = [(self._grouped, _GROUP)] + [(self._alone, 1)] * (writers * shared)
        self._writers = [Writer(self._writing, *lane, self.awake.set, self._trouble) for lane in lanes]
        for writer in self._writers:
            writer.start()

    @staticmethod
    def open(
        url: str,
        *,
        clock: Clock | None = None,
        writers: int = 3,
        on_broken: Callable[[BaseException], None] = lambda error: None,
        reserve: Reserve | None = None,
    ) -> Database:
        """Connect and migrate; raises Misconfigured or Unavailable.

        `clock` replaces the database's own time (microseconds UTC).  `writers` is how many works may be
        written alone at a time on PostgreSQL.  `on_broken` is called from a writer thread when what is
        on disk is unknown: the process must stop and start again.  `reserve` is given up when the disk
        is full; while it is spent only works that `must` be written are.
        """
        return Database(connect.parse(url), clock, writers, on_broken, reserve)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one committed state and cannot write; raises Unavailable."""
        try:
            with self._reading.connect() as connection:
                yield connection
        except (DBAPIError, psycopg.Error) as error:
            if trouble(error) is None:
                raise
            raise unavailable(error) from error

    def submit(
        self,
        work: Callable[[Connection], Answer],
        *,
        wake: bool = False,
        alone: bool = False,
        must: bool = False,
    ) -> Future[Answer]:
        """Queue work for the next group commit; the future answers once it is durable.

        `wake` rings the bell after the commit.  `alone` asks for a transaction of its own where the store has
        several writers (ticks: they hold locks).  What `must` be written tells what has happened already,
        so neither overload nor a full disk refuses it.  Raises Unavailable when they do;
        the future raises what the work raised, or Unavailable when the database failed: then whether
        the work is stored is unknown only if the connection broke during the commit.
        """
        if not must and self.full:
            raise _no_room()
        job = Job(work, wake=wake, must=must, again=not alone)
        (self._alone if alone else self._grouped).put(job)
        return job.future

    def write(
        self, work: Callable[[Connection], Answer], *, wake: bool = False, alone: bool = False
    ) -> Answer:
        """Do work in a group commit and wait until it is durable."""
        if threading.current_thread() in self._writers:
            raise BrokenInvariant("work that is being written waits for other work: it would wait for ever")
        return self.submit(work, wake=wake, alone=alone).result()

    @property
    def backlog(self) -> int:
        """How many works are queued."""
        return self._grouped.backlog

    @property
    def full(self) -> bool:
        """Whether the disk is full, so that nothing new can be written; false as soon as there is room."""
        return self._reserve is not None and self._reserve.spent

    def close(self) -> None:
        """Commit what is queued, then let go of everything."""
        for queue in (self._grouped, self._alone):
            queue.close()
        for writer in self._writers:
            writer.join()
        self.awake.close()
        self._reading.dispose()
        self._writing.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _trouble(self, error: Exception, kind: Trouble) -> None:
        if kind is Trouble.FULL and self._reserve is not None:
            self._reserve.give_up()
            if self.full:
                self._grouped.refuse(_no_room())
        elif kind is Trouble.BROKEN:
            self._break(error)

    def _break(self, error: Exception) -> None:
        for queue in (self._grouped, self._alone):
            queue.abandon(unavailable(error))
        self._on_broken(error)

    def _ask(self) -> int:
        with self.reading() as connection:
            return int(connection.exec_driver_sql(_NOW).scalar_one())

    def _listener(self) -> psycopg.Connection[Any]:
        dsn = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(dsn, autocommit=True, connect_timeout=5, application_name="sojourn-bell")


def _no_room() -> Unavailable:
    return Unavailable("the disk is full: nothing new is taken in before there is room", retry_after=30)


def _prepare(engine: Engine) -> None:
    try:
        with engine.connect() as connection:
            connect.check_version(connection)
        migrate.upgrade(engine)
    except OperationalError as error:
        raise Unavailable(f"the database cannot be opened: {error.orig}") from error
    except DatabaseError as error:
        raise Misconfigured(f"this is no database of ours: {error.orig}") from error
    finally:
        engine.dispose()  # nobody holds on to a database that cannot be opened
