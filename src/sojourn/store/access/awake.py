"""Wakes those who wait for new work: in this process, and through PostgreSQL in every other one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

_CHANNEL = "sojourn_work"
_PATIENCE = 1.0  # seconds after which a listener looks whether we are closing


class Awake:
    """The bell of one process: everybody who asked is told when there may be new work."""

    def __init__(self) -> None:
        self._watchers: tuple[Callable[[], Any], ...] = ()
        self._lock = threading.Lock()

    def subscribe(self) -> threading.Event:
        """An event of the caller's own, set whenever there may be work: wait, clear, then look."""
        event = threading.Event()
        self.watch(event.set)
        return event

    def watch(self, callback: Callable[[], Any]) -> Callable[[], None]:
        """Call `callback`, from any thread, whenever there may be work; answers how to stop that."""
        with self._lock:
            self._watchers += (callback,)
        return lambda: self._forget(callback)

    def set(self) -> None:
        """Say that there may be new work."""
        for callback in self._watchers:
            callback()

    def close(self) -> None:
        """Stop what runs in the background."""

    def _forget(self, callback: Callable[[], Any]) -> None:
        with self._lock:
            self._watchers = tuple(watcher for watcher in self._watchers if watcher is not callback)


class SharedAwake(Awake):
    """A bell that is heard by all processes on one PostgreSQL database.

    NOTIFY takes a lock of the whole server at commit, so it never stands in a transaction that
    writes: one thread sends it, at most once for all bells rung while it was busy.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        super().__init__()
        self._connect = connect
        self._rung, self._closing = threading.Event(), threading.Event()
        self._teller = 0  # the server's number of the connection that tells others: what it says we know
        self._threads = [
            threading.Thread(target=self._keep, args=(loop,), name=f"store{loop.__name__}", daemon=True)
            for loop in (self._listen, self._tell)
        ]
        for thread in self._threads:
            thread.start()

    def set(self) -> None:
        super().set()
        self._rung.set()

    def close(self) -> None:
        """Stop listening and telling."""
        self._closing.set()
        self._rung.set()  # it tells once more, which also ends the listening
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _keep(self, loop: Callable[[psycopg.Connection[Any]], None]) -> None:
        while not self._closing.is_set():
            with suppress(psycopg.Error), self._connect() as connection:
                loop(connection)
            self._closing.wait(1.0)  # the server is away: writers report it, we only try again

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"LISTEN {_CHANNEL}")
        super().set()  # something may have been said before we listened
        while not self._closing.is_set():
            for notice in connection.notifies(timeout=_PATIENCE, stop_after=1):
                if notice.pid != self._teller:
                    super().set()

    def _tell(self, connection: psycopg.Connection[Any]) -> None:
        self._teller = connection.info.backend_pid
        while not self._closing.is_set():
            self._rung.wait()
            self._rung.clear()
            connection.execute(f"NOTIFY {_CHANNEL}")
