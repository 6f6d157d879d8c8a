"""Points that fade: as a plain reading adds them up, and across a mark at the very microsecond."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.tape.build import build
from sojourn.tape.kernels.fade import gathered, summed, turns
from sojourn.tape.selection import select
from sojourn.tape.tape import NEVER

DAY = 86_400_000_000
CAPS = (float("inf"), 3.0, 0.5)
LEAST, MOST = -2.0, 7.5

happenings = st.lists(
    st.tuples(
        st.integers(1, 3),  # whose it is
        st.integers(0, 20).map(lambda half: half * DAY // 2),  # when it was met
        st.integers(0, 4).map(lambda half: half * DAY // 2),  # how long before that it happened
        st.integers(0, 2),  # its code
        st.sampled_from([1.0, 2.5, -1.5, 0.25, float("nan")]),
    ),
    max_size=14,
)
paces = st.sampled_from([0.0, 1 / DAY, 1 / (30 * DAY)])


def plainly(events: list[tuple[int, int, int, float]], pace: float) -> tuple[float, int]:
    """The level after these events (time, place, code, gain), and the time of the last of them."""
    level, at, given = 0.0, 0, dict.fromkeys(range(3), (0.0, 0))
    for time, _, code, gain in sorted(events):
        if gain == gain:
            before = given[code][0] * 2.0 ** ((given[code][1] - time) * pace)
            after = min(max(before + gain, -CAPS[code]), CAPS[code])
            level = level * 2.0 ** ((at - time) * pace) + after - before
            level, at, given[code] = min(max(level, LEAST), MOST), time, (after, time)
    return level, at


@given(happenings, paces, st.integers(0, 22).map(lambda half: half * DAY // 2))
def test_levels_are_what_a_plain_reading_adds_up(
    happened: list[tuple[int, int, int, int, float]], pace: float, now: int
) -> None:
    happened = sorted(happened, key=lambda one: (one[0], one[1]))
    who, met, late, codes, gains = (
        (list(column) for column in zip(*happened, strict=True)) if happened else [[]] * 5
    )
    received = np.array(met, np.int64) + np.arange(len(happened))
    times = np.maximum(received - np.array(late, np.int64), 0)
    tape = build(
        np.array(who, np.int64),
        times,
        received,
        np.zeros(len(happened), np.int32),
        ("A",),
        everyone=np.array([1, 2, 3]),
    )
    rows = np.array([0, 0, 1, 1, 1, 2, 1])
    asked = np.maximum(np.array([now, now - DAY, 0, now // 2, now, now, now]), 0)
    columns = np.array(codes, np.int32), np.array(gains, np.float64), np.array(CAPS)
    levels, since = gathered(*select(tape).columns, *columns, LEAST, MOST, pace, rows, asked)
    for place, row in enumerate(rows.tolist()):
        known = [
            (int(times[n]), n, codes[n], gains[n])
            for n in range(len(happened))
            if who[n] == row + 1 and received[n] <= asked[place]
        ]
        level, at = plainly(known, pace)
        assert levels[place] == pytest.approx(level, abs=1e-12)
        assert since[place] == at


@settings(max_examples=200)
@given(st.integers(0, 2**32).map(Random), st.booleans())
def test_a_mark_is_crossed_at_the_very_microsecond(dice: Random, beyond: bool) -> None:
    signs = dice.choice([1, -1])
    groups = dice.randint(1, 3)
    levels = np.array([[signs * dice.choice([0.0, 1.0, 40.0, 1e6]) for _ in range(groups)]])
    since = np.array([[dice.randint(0, 5 * DAY) for _ in range(groups)]])
    rests = np.array([[dice.choice([0.0, 2.5, -4.0]) for _ in range(groups)]])
    lives = [dice.choice([0, 3_600_000_000, DAY, 700 * DAY]) for _ in range(groups)]
    pace = np.array([1 / life if life else 0.0 for life in lives])
    least, most = np.full(groups + 1, -50.0), np.full(groups + 1, dice.choice([np.inf, 45.0]))
    columns = levels, since, rests, pace, least, most
    now, mark = 5 * DAY + dice.randint(0, DAY), dice.choice([0.0, 1.0, 2.5, 17.3, -3.0])

    def across(instant: int) -> bool:
        value = summed(*columns, np.array([instant]))[0]
        return bool(value > mark if beyond else value >= mark)

    reach = 1200 * max([*lives, 1])
    turn = int(turns(*columns, np.array([now]), mark, beyond, reach)[0])
    if turn == NEVER:
        assert across(now + reach) == across(now)
    else:
        assert across(turn) != across(now) == across(turn - 1)


def test_levels_of_both_signs_turn_never_before_they_are_asked_again() -> None:
    """Some fall while others rise: then whoever asks again at each turn meets every crossing."""
    columns = (
        np.array([[40.0, -39.0]]),
        np.array([[0, 0]]),
        np.zeros((1, 2)),
        np.array([1 / DAY, 2 / DAY]),
        np.full(3, -np.inf),
        np.full(3, np.inf),
    )
    now, asked, before = 0, 0, False
    crossed = []
    while now != NEVER and asked < 200:
        inside = bool(summed(*columns, np.array([now]))[0] >= 5)
        crossed += [now] if inside != before else []
        before, asked = inside, asked + 1
        now = int(turns(*columns, np.array([now]), 5.0, False, 1200 * DAY)[0])
    dense = np.arange(0, 10 * DAY, 60_000_000)
    everywhere = np.array([summed(*columns, np.array([instant]))[0] >= 5 for instant in dense.tolist()])
    edges = dense[np.flatnonzero(everywhere[1:] != everywhere[:-1]) + 1]
    assert [round(at / 6e7) for at in crossed] == pytest.approx([round(at / 6e7) for at in edges], abs=1)
    assert len(crossed) == 2
