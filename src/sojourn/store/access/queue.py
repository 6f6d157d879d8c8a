"""The queue of work that waits to be written, bounded so that overload is refused instead of remembered."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from sojourn.errors import Unavailable


@dataclass(eq=False)
class Job:
    """One piece of work and its answer to come."""

    work: Callable[[Connection], Any]
    wake: bool = False  # ring the bell once it is committed
    must: bool = False  # it is taken however much waits: what it tells has happened
    again: bool = True  # try again what the database rolled back; a tick remembers what it read, so it is not
    tries: int = 0
    future: Future[Any] = field(default_factory=Future)


class Queue:
    """Jobs in order, for one writer or several."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._closed = capacity, False
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()

    @property
    def backlog(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Add a job at the end; raises Unavailable when there is no place for it or the queue is closed."""
        with self._changed:
            if self._closed:
                raise Unavailable("the database is closed for writing")
            if len(self._jobs) >= self._capacity and not job.must:
                raise Unavailable("too much is waiting to be written", retry_after=1)
            self._add(job)

    def put_back(self, job: Job) -> None:
        """Add a job that was taken and is to be tried again."""
        with self._changed:
            self._add(job)

    def take(self, most: int) -> list[Job]:
        """All that waits, up to `most`, as soon as something does; nothing once it is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            return [self._jobs.popleft() for _ in range(min(most, len(self._jobs)))]

    def close(self) -> None:
        """Take nothing more; what waits may still be taken out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self, error: Exception) -> None:
        """Close, and fail all that waits."""
        self.close()
        while jobs := self.take(1):
            jobs[0].future.set_exception(error)

    def refuse(self, error: Exception) -> None:
        """Fail all that waits but what must be written."""
        with self._changed:
            refused = [job for job in self._jobs if not job.must]
            self._jobs = deque(job for job in self._jobs if job.must)
        for job in refused:
            job.future.set_exception(error)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _add(self, job: Job) -> None:
        self._jobs.append(job)
        self._changed.notify_all()
