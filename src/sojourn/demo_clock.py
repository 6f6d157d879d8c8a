"""The clock of a demo: from when it is set it runs many times as fast, for every process on a data folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sojourn.store.access.clock import wall
from sojourn.store.database import Database

_FILE = "clock.json"

RINGS = 0.05
"""Seconds between rings: those who sleep until an instant measure it by a clock that does not run fast."""


class DemoClock(msgspec.Struct, frozen=True):
    """Answers the present instant, microseconds UTC: what it showed once, and `speed` times the rest."""

    at: int  # by the machine's clock
    showed: int
    speed: float

    def __call__(self) -> int:
        return self.showed + int((wall() - self.at) * self.speed)

    @contextmanager
    def ringing(self, database: Database) -> Iterator[None]:
        """Wake those who wait for an instant of this clock, until the block ends."""
        stop = threading.Event()

        def ring() -> None:
            while not stop.wait(RINGS):
                database.awake.set()

        thread = threading.Thread(target=ring, name="demo clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def set_clock(data: Path, speed: float) -> None:
    """From now on time runs so many times as fast in this data folder; it never runs back."""
    now = (clock_of(data) or wall)()
    (data / _FILE).write_bytes(msgspec.json.encode(DemoClock(wall(), now, speed)))


def clock_of(data: Path) -> DemoClock | None:
    """The clock that was set in this data folder, None where time is what it is."""
    file = data / _FILE
    return msgspec.json.decode(file.read_bytes(), type=DemoClock) if file.exists() else None
