"""The stage of a simulation: a clock that is set, who waits by it, and a database that can be struck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from selectors import SelectorKey, SelectSelector
from typing import TypeVar

from sqlalchemy import Connection

from sojourn.errors import BrokenInvariant, Unavailable
from sojourn.store.access import connect
from sojourn.store.database import Database
from sojourn.tape.grain import GRAIN

Answer = TypeVar("Answer")


class Killed(BaseException):
    """The process ended here: nothing catches it but whoever starts the next one."""


@dataclass
class Time:
    """The one clock, in microseconds UTC; it goes on when it is set."""

    now: int

    def __call__(self) -> int:
        return self.now


class Waiting(SelectSelector):
    """What an event loop waits with: whoever waits sets the clock on instead."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready; there is no other thread that could make something so."""
        if timeout is None:
            raise BrokenInvariant("somebody waits for what never comes")
        self._time.now += ceil(timeout * 1_000_000)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop in the time of a simulation."""

    def __init__(self, time: Time) -> None:
        super().__init__(Waiting(time))
        self._time, self._begun = time, time.now

    def time(self) -> float:
        """Seconds since it began, by the one clock: so few that a float tells microseconds apart."""
        return (self._time.now - self._begun) / 1_000_000


class Stage(Database):
    """A SQLite file whose work is done, and committed, before `submit` returns: there is no second thread.

    `strike` is called before each work, before its commit and after it, and may raise Unavailable
    or Killed.  A process that was killed writes nothing more until `revive` starts the next one.
    """

    def __init__(self, path: Path, time: Time, strike: Callable[[str], None]) -> None:
        super().__init__(connect.parse(f"sqlite:///{path}"), time, 1, _ignore)
        self.time, self._strike, self._alive = time, strike, True

    def submit(
        self,
        work: Callable[[Connection], Answer],
        *,
        wake: bool = False,
        alone: bool = False,
        must: bool = False,
    ) -> Future[Answer]:
        future: Future[Answer] = Future()
        try:
            future.set_result(self._done(work))
        except Killed:
            self.kill()
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked, as in the writer
            future.set_exception(error)
        return future

    def kill(self) -> None:
        """End the process."""
        self._alive = False
        raise Killed

    def revive(self) -> None:
        """Let another process begin."""
        self._alive = True

    def _done(self, work: Callable[[Connection], Answer]) -> Answer:
        if not self._alive:
            raise Killed
        self._strike("before work")
        self.time.now += GRAIN  # a transaction takes a while
        with self._writing.begin() as connection:
            answer = work(connection)
            self._strike("before the commit")
        self._strike("after the commit")
        return answer


def _ignore(error: BaseException) -> None:
    """A broken disk is not simulated."""


def away() -> Unavailable:
    """The database cannot be reached for a moment, which takes no time here."""
    return Unavailable("the database is away", retry_after=0)
