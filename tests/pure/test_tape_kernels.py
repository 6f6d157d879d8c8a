"""Every kernel against a reading of a few lines of plain Python, on small random tapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.tape.build import build
from sojourn.tape.kernels.as_of import value_as_of
from sojourn.tape.kernels.chain import chain
from sojourn.tape.kernels.count import count
from sojourn.tape.kernels.first_last import first, last
from sojourn.tape.kernels.neighbours import last_before, next_after
from sojourn.tape.kernels.nth_last import nth_last
from sojourn.tape.kernels.tally import tally
from sojourn.tape.selection import Selection, carrying, select
from sojourn.tape.tape import NEVER, Column, Ints, Tape


@dataclass(frozen=True)
class Event:
    """One event of a selection as plain numbers."""

    index: int
    position: int
    time: int
    received: int


@dataclass(frozen=True)
class Asked:
    """A tape and a few questions: row, now, since and until of each."""

    tape: Tape
    rows: Ints
    now: Ints
    since: Ints
    until: Ints

    def window(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.rows, self.now, self.since, self.until


def questions() -> st.SearchStrategy[Asked]:
    return st.builds(dense_questions, st.integers(0, 2**32), st.integers(0, 12), st.booleans())


def dense_questions(seed: int, customers: int, on_time: bool) -> Asked:
    """Late events, ties, customers without events, and windows of all kinds.

    Drawn from a seed: what Hypothesis draws by itself is too sparse to meet the edges of windows.
    """
    dice = np.random.default_rng(seed)
    owners = np.repeat(np.arange(1, customers + 1), dice.integers(0, 9, customers))
    n, m = len(owners), 3 * customers
    times = dice.integers(0, 9, n)
    carried = np.array([None, 1, 2.5, "x", "y"], object)[dice.integers(0, 5, n)]
    tape = build(
        owners,
        times,
        times if on_time else times + dice.integers(0, 5, n),
        dice.integers(0, 3, n).astype(np.int32),
        ("a", "b", "c"),
        keys=dice.integers(1, 9, n),
        traits={"t": Column.of(np.arange(n), carried.tolist())},
        everyone=np.arange(customers + 1),
    )
    rows, now, since, until = dice.integers(0, customers + 1, m), *dice.integers(0, 14, (3, m))
    return Asked(tape, rows, now, since, until)


def events(selection: Selection, row: int, now: int) -> list[Event]:
    """The selected events of the row known at now, by (time, position)."""
    found = [
        Event(i, *(int(column[i]) for column in (selection.positions, selection.times, selection.received)))
        for i in range(selection.starts[row], selection.starts[row + 1])
    ]
    return sorted((e for e in found if e.received <= now), key=lambda e: (e.time, e.position))


def within(selection: Selection, row: int, now: int, since: int, until: int) -> list[Event]:
    return [e for e in events(selection, row, now) if since <= e.time < until]


def plainly(asked: Asked, reading: Callable[..., object]) -> list[object]:
    return [reading(*map(int, question)) for question in zip(*asked.window(), strict=True)]


def at(found: list[Event], index: int) -> int:
    return found[index].index if -len(found) <= index < len(found) else -1


@given(questions())
def test_count(asked: Asked) -> None:
    chosen = select(asked.tape, ["a", "c"])
    assert list(count(chosen, *asked.window())) == plainly(asked, lambda *q: len(within(chosen, *q)))


@given(questions())
def test_first_and_last(asked: Asked) -> None:
    chosen = select(asked.tape, ["a", "b"])
    assert list(first(chosen, *asked.window())) == plainly(asked, lambda *q: at(within(chosen, *q), 0))
    assert list(last(chosen, *asked.window())) == plainly(asked, lambda *q: at(within(chosen, *q), -1))


@given(questions())
def test_neighbours_go_by_when_we_met_the_event(asked: Asked) -> None:
    chosen = select(asked.tape, ["b"])

    def met(row: int, low: int, high: int) -> list[int]:
        known = [e for e in events(chosen, row, int(NEVER)) if low < e.received <= high]
        return [e.index for e in sorted(known, key=lambda e: e.received)] or [-1]

    following = plainly(asked, lambda row, now, *_: met(row, now, int(NEVER))[0])
    assert list(next_after(chosen, asked.rows, asked.now)) == following
    assert list(last_before(chosen, asked.rows, asked.now)) == plainly(
        asked, lambda row, now, *_: met(row, -1, now)[-1]
    )


@given(questions(), st.integers(1, 4))
def test_nth_last(asked: Asked, n: int) -> None:
    chosen = select(asked.tape)
    expected = plainly(asked, lambda row, now, *_: at(events(chosen, row, now), -n))
    assert list(nth_last(chosen, asked.rows, asked.now, n)) == expected


@given(questions())
def test_tally_leaves_out_what_is_no_number(asked: Asked) -> None:
    column = asked.tape.traits["t"]
    chosen = carrying(asked.tape, column)

    def read(*question: int) -> tuple[float, float, float, int]:
        found = [column.numbers[e.index] for e in within(chosen, *question)]
        numbers = [float(number) for number in found if not math.isnan(number)]
        return sum(numbers), min(numbers, default=math.nan), max(numbers, default=math.nan), len(numbers)

    answers = np.array(tally(chosen, column.numbers, *asked.window())).T
    np.testing.assert_array_equal(answers, np.array(plainly(asked, read)).reshape(-1, 4))


@given(questions(), st.lists(st.integers(1, 7), min_size=1, max_size=3), st.sampled_from([0, 1, 2, 4, NEVER]))
def test_chain(asked: Asked, links: list[int], span: int) -> None:
    """Each link takes some of the names a, b and c, given as bits."""
    chosen = select(asked.tape)
    bits = [sum(1 << link for link, taken in enumerate(links) if taken >> name & 1) for name in range(3)]
    made = np.array(bits, np.int64)[asked.tape.names]

    def read(*question: int) -> bool:
        return any(
            passage[-1].time - passage[0].time <= span
            and all(made[event.index] >> link & 1 for link, event in enumerate(passage))
            for passage in combinations(within(chosen, *question), len(links))
        )

    assert list(chain(chosen, made, len(links), *asked.window(), span)) == plainly(asked, read)


@given(questions())
def test_the_last_write_wins_whatever_came_first(asked: Asked) -> None:
    tape, column = asked.tape, asked.tape.traits["t"]
    chosen = carrying(tape, column)

    def read(row: int, now: int, *_: int) -> tuple[float, int]:
        known = events(chosen, row, now)
        if not known:
            return math.nan, -1
        best = max(known, key=lambda e: (e.time, tape.keys[e.position], e.position))
        return float(column.numbers[best.index]), int(column.codes[best.index])

    answers = np.array(value_as_of(tape, column, asked.rows, asked.now)).T
    np.testing.assert_array_equal(answers, np.array(plainly(asked, read)).reshape(-1, 2))
