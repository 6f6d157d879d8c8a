"""Keeps a rate of sending by handing out slots that lie apart, so that no window of time holds too many."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import msgspec

_SECOND = 1_000_000
_MARGIN = 1.05
"""Slots lie 5 % further apart than asked: the peer counts arrivals, and networks shift them by some ms."""


class Pace(msgspec.Struct, frozen=True):
    """At most `count` in any span of `per` microseconds."""

    count: int
    per: int = _SECOND

    @property
    def gap(self) -> int:
        """Microseconds between two slots."""
        return math.ceil(self.per / self.count * _MARGIN)


def reserve(pace: Pace, free: int, now: int, count: int = 1) -> tuple[int, int]:
    """Take `count` slots, `pace.gap` apart: the instant of the first, and the next free one.

    `free` is the only state.  Kept in one row of the store and updated there it holds over
    any number of workers and restarts.  (A leaky bucket of size one: GCRA, ITU-T I.371.)
    """
    first = max(free, now)
    return first, first + count * pace.gap


class Pacer:
    """One process's turns at a pace, from a whole span after its start: what was sent before is not known."""

    def __init__(
        self,
        pace: Pace,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._pace, self._clock, self._sleep = pace, clock, sleep
        self._free = clock() + pace.per

    async def turn(self) -> None:
        """Wait for the next slot."""
        now = self._clock()
        slot, self._free = reserve(self._pace, self._free, now)
        if slot > now:
            await self._sleep((slot - now) / _SECOND)
