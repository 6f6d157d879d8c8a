"""One process of a simulation: the parts of a `serve`, called by turns instead of running in threads."""

from __future__ import annotations

import asyncio

from sojourn.errors import Unavailable
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Reading
from sojourn.ingest.intake import Intake
from sojourn.lake.folder import Folder
from sojourn.message.tokens import Keyring
from sojourn.runtime.dispatch.dispatcher import Dispatcher, Dispatching
from sojourn.runtime.dispatch.people import People
from sojourn.runtime.dispatch.prepare import Publicly
from sojourn.runtime.history import History
from sojourn.runtime.merging.merging import Merging
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.simulate.crowd import Request
from sojourn.runtime.simulate.peers import Peer, ways
from sojourn.runtime.simulate.stage import Loop, Stage
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Resident
from sojourn.runtime.ticking.worker import Worker
from sojourn.runtime.upkeep.residence import Residence
from sojourn.store import effects
from sojourn.store.names import Names

PUBLICLY = Publicly("https://us.example", Keyring({0: b"k" * 32}), b"s" * 32)

EVER = 10**15
"""Microseconds: no wake is too late to be played at its own instant, so that a backtest can be equal."""


class Process:
    """Everything that a process holds in memory; it is gone with it."""

    def __init__(self, stage: Stage, folder: Folder, peers: dict[str, Peer]) -> None:
        self._stage = stage
        self.names = Names(stage.reading)
        self.history = History(stage, folder, self.names)
        of_log = tapes_of_log(self.names)
        live = Live(Resident(), self.names, of_log, max_late=EVER)
        self._worker = Worker(stage, live, Residence(self.history, live))
        self._intake = Intake(stage, Books(self.names, on_merge=Merging(self.names)))
        people = People(stage, of_log)
        parts = Dispatching(stage, people, self.names, self._worker.catalogue, ways(peers), PUBLICLY)
        self._dispatcher = Dispatcher(parts)

    def take(self, request: Request) -> bool:
        """Take in what a client sends; whether the client is told that it is stored."""
        try:
            self._intake.take(Reading(request.events), "simulation").result()
        except Unavailable:
            return False
        return True

    def tick(self) -> bool:
        """Tick once; whether there may be more to do."""
        try:
            return self._worker.tick().held > 0
        except Unavailable:
            self._worker.live.resident.clear()  # as the worker does
            return True

    def dispatch(self) -> bool:
        """Send what is due, a batch of each way; whether there may be more."""
        with self._stage.reading() as connection:
            due = effects.next_due(connection)
        if due is None or due > self._stage.now():
            return False
        try:
            with asyncio.Runner(loop_factory=lambda: Loop(self._stage.time)) as runner:
                return runner.run(self._round()) > 0
        except Unavailable:
            return True

    async def _round(self) -> int:
        # What a killed process had under way is never looked at again.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        return await self._dispatcher.round()
