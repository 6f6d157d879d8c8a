"""The sender: a thread with a lane for each kind of message for which a provider is chosen."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import structlog

from sojourn.errors import SojournError
from sojourn.runtime.dispatch.dispatcher import Dispatching
from sojourn.runtime.dispatch.lane import LONGEST_SLEEP, REST, Lane
from sojourn.runtime.dispatch.ways import CHANNELS
from sojourn.store import effects
from sojourn.store.definitions import settings
from sojourn.store.definitions.stamp import stamp

log = structlog.get_logger()


class Sender:
    """Runs the lanes of one process, by the channels that are set."""

    def __init__(self, parts: Dispatching) -> None:
        self._stopping = threading.Event()
        self._parts, self._stamp = replace(parts, stopping=self._stopping.is_set), -1
        self._lanes: dict[str, Lane] = {}
        self._running: list[asyncio.Task[None]] = []
        self._bell = asyncio.Event()
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
            await asyncio.gather(*self._running)

    async def _turn(self) -> None:
        self._bell.clear()
        try:
            self._open()
        except SojournError as error:
            log.warning("channels not read yet", why=str(error))
            await asyncio.sleep(REST)
            return
        except Exception:
            # Whatever it was, the lanes that there are go on.
            log.exception("channels not read")
            await asyncio.sleep(REST)
            return
        try:
            await asyncio.wait_for(self._bell.wait(), LONGEST_SLEEP)
        except TimeoutError:
            return

    def _open(self) -> None:
        """Begin a lane for each kind that has none; it stays, as it may be chosen again."""
        with self._parts.database.reading() as connection:
            present = stamp(connection)
            if present == self._stamp:
                return
            chosen = settings.get(connection, CHANNELS, {})
        for kind in sorted(chosen.keys() - self._lanes.keys()):
            self._lanes[kind] = Lane(self._parts, kind)
            self._running.append(asyncio.create_task(self._lanes[kind].run()))
        self._stamp = present

    def _ring(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung)

    def _rung(self) -> None:
        self._bell.set()
        for lane in self._lanes.values():
            lane.ring()
