"""A lane: one way out in a loop of its own, so that a slow far side delays no other way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from sojourn.errors import Misconfigured, SojournError
from sojourn.runtime.dispatch.dispatcher import Dispatcher, Dispatching
from sojourn.runtime.dispatch.halt import halted
from sojourn.runtime.dispatch.ways import CHANNELS, Way, open_ways
from sojourn.store import effects
from sojourn.store.definitions import settings
from sojourn.store.definitions.stamp import stamp

LONGEST_SLEEP = 30.0
"""Seconds after which it looks again even if nobody rang."""

SHORTEST_SLEEP = 0.01
"""Seconds of rest where what is due is in the hands of another sender."""

REST = 1.0
"""Seconds of rest after a round that failed."""

log = structlog.get_logger()


class Lane:
    """Sends what is planned for one kind of message, by the provider that is chosen for it."""

    def __init__(self, parts: Dispatching, kind: str) -> None:
        self._parts, self._kind = parts, kind
        self._way: Way | None = None
        self._chosen: object = None
        self._stamp = -1
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """There may be something to send, or an end to it."""
        self._bell.set()

    async def run(self) -> None:
        """Send until the parts say that we stop."""
        try:
            while not self._parts.stopping():
                await self._turn()
        finally:
            await self._close()

    async def _turn(self) -> None:
        self._bell.clear()
        try:
            await self._reopen()
            if self._parts.database.full:
                await asyncio.sleep(REST)
            elif (ahead := self._ahead()) > 0 or not await self._round():
                await self._sleep(ahead)
        except SojournError as error:
            log.warning("sending put off", kind=self._kind, why=str(error))
            await asyncio.sleep(REST)
        except Exception:
            # The claims of a round that broke run out, and others take them.
            log.exception("sending failed", kind=self._kind)
            await asyncio.sleep(REST)

    async def _reopen(self) -> None:
        """Open the way anew when what is chosen for it has changed."""
        with self._parts.database.reading() as connection:
            present = stamp(connection)
            if present == self._stamp:
                return
            chosen = None if halted(connection) else settings.get(connection, CHANNELS, {}).get(self._kind)
        if chosen != self._chosen:
            await self._close()
            self._way = self._opened(chosen)
        self._chosen, self._stamp = chosen, present

    def _opened(self, chosen: object) -> Way | None:
        try:
            return open_ways({self._kind: chosen}).get(self._kind) if chosen is not None else None
        except Misconfigured as error:
            log.error("a way out cannot be opened; what is planned for it waits", why=str(error))
            return None

    def _ahead(self) -> float:
        """Seconds until something is due, or somebody's claim ends."""
        if self._way is None:
            return LONGEST_SLEEP
        with self._parts.database.reading() as connection:
            due = effects.next_due(connection, [self._kind])
        return LONGEST_SLEEP if due is None else (due - self._parts.database.now()) / 1_000_000

    async def _round(self) -> int:
        assert self._way is not None
        return await Dispatcher(replace(self._parts, ways={self._kind: self._way})).round()

    async def _sleep(self, ahead: float) -> None:
        try:
            await asyncio.wait_for(self._bell.wait(), max(SHORTEST_SLEEP, min(ahead, LONGEST_SLEEP)))
        except TimeoutError:
            return

    async def _close(self) -> None:
        if self._way is not None:
            await self._way.connection.close()
            self._way = None
