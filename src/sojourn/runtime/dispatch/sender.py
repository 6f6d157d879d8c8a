"""The sender: a thread that dispatches what is due, and sleeps until the next due instant or the bell."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import structlog

from sojourn.errors import Misconfigured, SojournError
from sojourn.runtime.dispatch.dispatcher import Dispatcher, Dispatching
from sojourn.runtime.dispatch.ways import CHANNELS, Way, open_ways
from sojourn.store import effects
from sojourn.store.definitions import settings
from sojourn.store.definitions.stamp import stamp

LONGEST_SLEEP = 30.0
"""Seconds after which it looks again even if nobody rang."""

REST = 1.0
"""Seconds of rest after a round that failed."""

log = structlog.get_logger()


class Sender:
    """Runs the dispatcher of one process, by the channels that are set."""

    def __init__(self, parts: Dispatching) -> None:
        self._parts, self._stamp = parts, -1
        self._ways: dict[str, Way] = {}
        self._bell = asyncio.Event()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="sender", daemon=True)

    def start(self) -> None:
        """Begin to send; what an earlier process held is free at once where there can be no other."""
        database = self._parts.database
        if database.dialect == "sqlite":
            database.write(lambda connection: effects.orphan(connection, database.now()))
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being sent and end."""
        self._stopping.set()
        self._ring()
        if self._thread.is_alive():
            self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        forget = self._parts.database.awake.watch(self._ring)
        try:
            while not self._stopping.is_set():
                await self._turn()
        finally:
            forget()
            await self._close()

    async def _turn(self) -> None:
        self._bell.clear()
        try:
            await self._reopen()
            if not await Dispatcher(replace(self._parts, ways=self._ways)).round():
                await self._sleep()
        except SojournError as error:
            log.warning("sending put off", why=str(error))
            await asyncio.sleep(REST)
        except Exception:
            # The claims of a round that broke run out, and others take them.
            log.exception("sending failed")
            await asyncio.sleep(REST)

    async def _reopen(self) -> None:
        """Open the ways anew when a definition has changed."""
        with self._parts.database.reading() as connection:
            present = stamp(connection)
            if present == self._stamp:
                return
            chosen = settings.get(connection, CHANNELS, {})
        await self._close()
        self._stamp = present
        for kind, data in chosen.items():
            try:
                self._ways |= open_ways({kind: data})
            except Misconfigured as error:
                log.error("a way out cannot be opened; what is planned for it waits", why=str(error))

    async def _close(self) -> None:
        for way in self._ways.values():
            await way.connection.close()
        self._ways = {}

    async def _sleep(self) -> None:
        with self._parts.database.reading() as connection:
            due = effects.next_due(connection, list(self._ways))
        ahead = LONGEST_SLEEP if due is None else (due - self._parts.database.now()) / 1_000_000
        try:
            await asyncio.wait_for(self._bell.wait(), max(0.01, min(ahead, LONGEST_SLEEP)))
        except TimeoutError:
            return

    def _ring(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._bell.set)
