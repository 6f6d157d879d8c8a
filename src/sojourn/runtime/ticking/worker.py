"""The worker: ticks whenever there is work, and sleeps until the next due instant or the bell otherwise."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

import structlog

from sojourn.errors import GoesInCircles, Unavailable
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.publishing import pausing
from sojourn.runtime.publishing.published import published
from sojourn.runtime.ticking.live import Live, Ticked
from sojourn.store import log, partitions
from sojourn.store.access import crash
from sojourn.store.database import Database
from sojourn.store.definitions.stamp import stamp
from sojourn.tape.kernels.warm import warm

LONGEST_SLEEP = 30.0
"""Seconds after which a worker looks again even if nobody rang: a bell may be lost with its connection."""

HELD_BACK = 0.02
"""Seconds after which a worker looks again for events that an open transaction holds back."""

REST = 1.0
"""Seconds of rest after a tick that failed."""

logger = structlog.get_logger()


def get_ready() -> None:
    """Get the process ready for ticks: compile what would otherwise be compiled in an open transaction.

    What is alive by then stays alive, so the collector need not look at it again; and a tick makes many
    objects at once, of which none is garbage in cycles.  That halves the time of a tick.
    """
    warm()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class Worker:
    """Runs the live driver of one process in a thread of its own; `ready` prepares it before each tick."""

    def __init__(
        self, database: Database, live: Live, ready: Callable[[Catalogue], None] = lambda catalogue: None
    ) -> None:
        self.database, self.live, self._ready = database, live, ready
        self._catalogue = Catalogue(stamp=-1)
        self._stop = threading.Event()
        self._bell = database.awake.subscribe()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the tick under way and end."""
        self._stop.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()

    def tick(self) -> Ticked:
        """One tick, as of the database's own time."""
        self._bell.clear()
        catalogue = self.catalogue()
        self._ready(catalogue)
        ticked = self.database.write(
            lambda connection: self.live.tick(connection, catalogue, self.database.now()), alone=True
        )
        crash.point("after a tick")
        if ticked.planned:
            self.database.awake.set()  # for the senders
        return ticked

    def catalogue(self) -> Catalogue:
        """What is published now; it is read again only after a change."""
        with self.database.reading() as connection:
            if stamp(connection) != self._catalogue.stamp:
                self._catalogue = published(connection)
        return self._catalogue

    def _run(self) -> None:
        get_ready()
        while not self._stop.is_set():
            if self.database.full:
                self._stop.wait(REST)
                continue
            try:
                ticked = self.tick()
                if not (ticked.held or ticked.stale):
                    self._sleep()
            except GoesInCircles as error:
                self._pause(error.journey)
            except Unavailable as error:
                logger.warning("tick put off", why=str(error))
                self.live.resident.clear()  # what it had read may not be committed
                self._stop.wait(REST)
            except Exception:
                # Whatever it was, the transaction is gone, and what the tick had read with it.
                logger.exception("tick failed")
                self.live.resident.clear()
                self._stop.wait(REST)

    def _pause(self, journey: str) -> None:
        """One journey that cannot be played must not keep all others from being played (P20)."""
        logger.error("journey paused: it goes in circles", journey=journey)
        self.live.resident.clear()
        self.database.write(lambda connection: pausing.pause(connection, journey, self.database.now()))

    def _sleep(self) -> None:
        with self.database.reading() as connection:
            due, held_back = partitions.next_due(connection), log.held_back(connection)
        ahead = HELD_BACK if held_back else (due - self.database.now()) / 1_000_000
        # What is due already is in the hands of another worker, who will ring if it leaves something.
        self._bell.wait(max(HELD_BACK, min(ahead, LONGEST_SLEEP)))
