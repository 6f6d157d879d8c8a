"""Group commit: threads that take all queued work, run it in one transaction and answer after the commit."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from sojourn.errors import Unavailable
from sojourn.store.access.trouble import Trouble, trouble, unavailable

_GROUP = 512  # works in one transaction: more would make the first wait too long for its answer
_TRIES = 8  # of a work that met another transaction
_BACKOFF = (0.1, 3.0)  # seconds between attempts to reconnect: first, longest


@dataclass(eq=False)
class Job:
    """One piece of queued work and its answer to come."""

    work: Callable[[Connection], Any]
    size: int = 0
    wake: bool = False
    alone: bool = False
    tries: int = 0
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """A queue of work and the threads that commit it in groups.

    A work that fails fails alone: each runs in a savepoint.  When the database is at fault the whole
    group was rolled back, and all of it fails with Unavailable; `on_broken` is told when the process
    must not go on.  `capacity` bounds the sizes of what is queued.
    """

    def __init__(
        self,
        engine: Engine,
        threads: int,
        capacity: int,
        wake: Callable[[], None],
        on_broken: Callable[[BaseException], None],
    ) -> None:
        self._engine, self._capacity, self._wake, self._on_broken = engine, capacity, wake, on_broken
        self._separate = engine.dialect.name == "postgresql"  # SQLite has one writer: all commit together
        self._queue: deque[Job] = deque()
        self._ready = threading.Condition()
        self._backlog = 0
        self._closing, self._broken = False, False
        self._threads = [
            threading.Thread(target=self._run, name=f"store-writer-{n}", daemon=True) for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def backlog(self) -> int:
        """Sum of the sizes of what is queued."""
        return self._backlog

    def submit(self, job: Job) -> Future[Any]:
        """Queue a job; raises Unavailable when the queue is full, closed or broken."""
        with self._ready:
            if self._closing or self._broken:
                raise Unavailable("the database is closed for writing")
            if self._backlog and self._backlog + job.size > self._capacity:
                raise Unavailable("more is waiting to be written than fits", retry_after=1)
            self._put(job)
        return job.future

    def owns(self, thread: threading.Thread) -> bool:
        return thread in self._threads

    def close(self) -> None:
        """Commit what is queued and stop."""
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    def _put(self, job: Job) -> None:
        self._queue.append(job)
        self._backlog += job.size
        self._ready.notify()

    def _run(self) -> None:
        connection: Connection | None = None
        failures = 0
        while group := self._take():
            try:
                connection = connection or self._engine.connect()
                self._commit(connection, group)
                failures = 0
            except Exception as error:  # noqa: BLE001 - a writer outlives whatever fails
                failures += 1
                connection = self._recover(connection, group, error)
                self._pause(failures)
        if connection is not None:
            connection.close()

    def _take(self) -> list[Job]:
        """All that is queued, or the next that wants a transaction of its own; nothing at the end."""
        with self._ready:
            while not self._queue and not self._closing:
                self._ready.wait()
            group: list[Job] = []
            while self._queue and len(group) < _GROUP:
                if self._separate and group and (self._queue[0].alone or group[0].alone):
                    break
                group.append(self._queue.popleft())
                self._backlog -= group[-1].size
            if self._queue:
                self._ready.notify()
            return group

    def _commit(self, connection: Connection, group: list[Job]) -> None:
        done: list[tuple[Job, Any]] = []
        again: list[Job] = []
        with connection.begin():
            for job in group:
                if job.tries or job.future.set_running_or_notify_cancel():
                    self._attempt(connection, job, done, again)
        for job, answer in done:
            job.future.set_result(answer)
        if any(job.wake for job, _ in done):
            self._wake()
        with self._ready:
            for job in again:
                self._put(job)

    def _attempt(
        self, connection: Connection, job: Job, done: list[tuple[Job, Any]], again: list[Job]
    ) -> None:
        savepoint = connection.begin_nested()
        try:
            answer = job.work(connection)
            savepoint.commit()
        except Exception as error:  # whatever it is, it belongs to whoever waits for this work
            kind = trouble(error)
            if kind not in (None, Trouble.AGAIN):
                raise
            savepoint.rollback()
            job.tries += 1
            if kind is Trouble.AGAIN and job.tries < _TRIES:
                again.append(job)
            else:
                job.future.set_exception(unavailable(error) if kind else error)
        else:
            done.append((job, answer))

    def _recover(
        self, connection: Connection | None, group: list[Job], error: Exception
    ) -> Connection | None:
        """Fail what was rolled back; answers the connection if it can still be used."""
        kind = trouble(error)
        for job in group:
            if not job.future.done():
                job.future.set_exception(unavailable(error) if kind else error)
        if kind is Trouble.BROKEN:
            self._break(error)
        if connection is not None and kind is not Trouble.FULL:
            connection.invalidate()
            connection.close()
            return None
        return connection

    def _break(self, error: Exception) -> None:
        with self._ready:
            self._broken = self._closing = True
            abandoned = list(self._queue)
            self._queue.clear()
            self._ready.notify_all()
        for job in abandoned:
            job.future.set_exception(unavailable(error))
        self._on_broken(error)

    def _pause(self, failures: int) -> None:
        """Wait before the next attempt, by chance apart from other threads and processes."""
        first, longest = _BACKOFF
        with self._ready:
            if not self._closing:
                self._ready.wait_for(
                    lambda: self._closing, min(longest, first * 2**failures) * random.uniform(0.5, 1.0)
                )
