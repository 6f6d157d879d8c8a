"""The database's time, which all processes on it share, without a round trip for every question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sojourn.errors import Unavailable

Clock = Callable[[], int]
"""Answers the present instant in microseconds UTC."""

_FRESH = 5.0  # seconds for which a comparison with the database's clock holds


def wall() -> int:
    """This machine's own clock."""
    return time.time_ns() // 1000


class DatabaseClock:
    """Compares the database's clock with our monotonic one every few seconds (P12, P13).

    Between comparisons the monotonic clock carries it on, so that a step of this machine's wall clock changes
    nothing.  `ask` reads the database's clock.
    """

    def __init__(self, ask: Clock) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._ahead, self._compared = 0, float("-inf")

    def __call__(self) -> int:
        with self._lock:
            if time.monotonic() - self._compared > _FRESH:
                self._compare()
            return time.monotonic_ns() // 1000 + self._ahead

    def _compare(self) -> None:
        before = time.monotonic_ns()
        try:
            instant = self._ask()
        except Unavailable:
            if self._compared == float("-inf"):
                raise
            self._compared = time.monotonic()  # we go on by our own clock: others wait for the database
            return
        after = time.monotonic_ns()
        self._ahead = instant - (before + after) // 2000
        self._compared = time.monotonic()
