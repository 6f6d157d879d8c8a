"""Group commit: a thread that writes all queued work in one transaction and answers after the commit."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, NestedTransaction, Transaction

from sojourn.store.access.queue import Job, Queue
from sojourn.store.access.trouble import Trouble, trouble, unavailable

_TRIES = 8  # of a work that met another transaction
_BACKOFF = (0.1, 3.0)  # seconds between attempts to reconnect: first, longest


@dataclass
class _Group:
    """What became of the jobs of one transaction."""

    done: list[tuple[Job, Any]] = field(default_factory=list)
    again: list[Job] = field(default_factory=list)


class Writer(threading.Thread):
    """Writes the jobs of a queue, up to `most` in one transaction.

    A work that fails fails alone: each runs in a savepoint.  When the database is at fault all of
    the transaction was rolled back, and all its works fail with Unavailable; `on_trouble` is told of what is
    wrong with it.  `on_wake` is called after a commit with work that asked for it.
    """

    def __init__(
        self,
        engine: Engine,
        queue: Queue,
        most: int,
        on_wake: Callable[[], None],
        on_trouble: Callable[[Exception, Trouble], None],
    ) -> None:
        super().__init__(name="store-writer", daemon=True)
        self._engine, self._queue, self._most = engine, queue, most
        self._on_wake, self._on_trouble = on_wake, on_trouble

    def run(self) -> None:
        """Write until the queue is closed and empty."""
        connection: Connection | None = None
        failures = 0
        while jobs := self._queue.take(self._most):
            try:
                connection = connection or self._engine.connect()
                self._commit(connection, jobs)
                failures = 0
            except Exception as error:  # noqa: BLE001 - the writer outlives whatever fails
                failures += 1
                connection = self._recover(connection, jobs, error)
                self._pause(failures)
        if connection is not None:
            connection.close()

    def _commit(self, connection: Connection, jobs: list[Job]) -> None:
        group = _Group()
        with connection.begin() as transaction:
            for job in jobs:
                if job.tries or job.future.set_running_or_notify_cancel():
                    scope = connection.begin_nested() if len(jobs) > 1 else transaction
                    self._attempt(connection, job, scope, group)
        for job, answer in group.done:
            job.future.set_result(answer)
        if any(job.wake for job, _ in group.done):
            self._on_wake()
        for job in group.again:
            self._queue.put_back(job)

    def _attempt(self, connection: Connection, job: Job, scope: Transaction, group: _Group) -> None:
        """Run a job; when it fails `scope` undoes it: the whole transaction if it is the only one."""
        try:
            answer = job.work(connection)
            if isinstance(scope, NestedTransaction):
                scope.commit()
        except Exception as error:  # whatever it is, it belongs to whoever waits for this work
            kind = trouble(error)
            if kind not in (None, Trouble.AGAIN):
                raise
            scope.rollback()
            job.tries += 1
            if kind is Trouble.AGAIN and job.again and job.tries < _TRIES:
                group.again.append(job)
            else:
                job.future.set_exception(unavailable(error) if kind else error)
        else:
            group.done.append((job, answer))

    def _recover(self, connection: Connection | None, jobs: list[Job], error: Exception) -> Connection | None:
        """Fail what was rolled back; answers the connection if it can still be used."""
        kind = trouble(error)
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(unavailable(error) if kind else error)
        if kind is not None:
            self._on_trouble(error, kind)
        if connection is not None and kind is not Trouble.FULL:
            connection.invalidate()
            connection.close()
            return None
        return connection

    def _pause(self, failures: int) -> None:
        """Wait before the next attempt, by chance apart from other threads and processes (P36)."""
        first, longest = _BACKOFF
        self._queue.pause(min(longest, first * 2**failures) * random.uniform(0.5, 1.0))
