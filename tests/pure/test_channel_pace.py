"""Rates of sending hold in every window of time, over workers and restarts."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sojourn.channel.pace import Pace, Pacer, reserve

SECOND = 1_000_000
PACES = st.builds(Pace, st.integers(1, 5000), st.sampled_from([SECOND, 60 * SECOND, 3600 * SECOND]))


@given(PACES, st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 50)), max_size=30))
def test_no_window_holds_more_than_allowed(pace: Pace, asks: list[tuple[int, int]]) -> None:
    """P27: any number of workers that take slots from one row, at whatever instants."""
    free, now, slots = 0, 0, []
    for pause, count in asks:
        now += pause
        first, free = reserve(pace, free, now, count)
        slots += [first + number * pace.gap for number in range(count)]
    for at, slot in enumerate(slots):
        assert sum(slot <= other < slot + pace.per for other in slots[at:]) <= pace.count


def test_a_rate_is_nearly_used_up() -> None:
    first, free = reserve(Pace(100), 0, 0, 100)
    assert first == 0
    assert 1 * SECOND <= free <= 1.06 * SECOND


def test_a_process_takes_turns_and_begins_late() -> None:
    now, slept = 0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += round(seconds * SECOND)

    async def scene() -> list[int]:
        pacer = Pacer(Pace(10), lambda: now, sleep)
        turns = []
        for _ in range(25):
            await pacer.turn()
            turns.append(now)
        return turns

    turns = asyncio.run(scene())
    assert turns[0] == SECOND, "what an earlier process sent in the last second is not known"
    assert all(later - earlier >= SECOND / 10 for earlier, later in pairwise(turns))
    assert round(sum(slept) * SECOND) == turns[-1]
