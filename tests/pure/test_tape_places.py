"""What reads several tapes and columns at once finds what a plain search finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.tape.build import build
from sojourn.tape.kernels.places import places
from sojourn.tape.selection import select
from sojourn.tape.tape import Tape
from sojourn.tape.weave import weave

positions = st.lists(st.integers(0, 40), unique=True).map(sorted)
moments = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 50), st.integers(0, 20)), max_size=12)


@given(positions, st.lists(st.integers(-1, 45)), st.booleans())
def test_places_are_found_in_any_order(known: list[int], wanted: list[int], ascending: bool) -> None:
    asked = sorted(wanted) if ascending else wanted
    found = places(np.array(known, np.int64), np.array(asked, np.int64))
    assert found.tolist() == [known.index(one) if one in known else -1 for one in asked]


@given(moments, moments, st.lists(st.integers(0, 2), max_size=4))
def test_selections_are_woven_in_the_order_in_which_we_met_events(
    some: list[tuple[int, int, int]], others: list[tuple[int, int, int]], rows: list[int]
) -> None:
    tapes = _tape(some), _tape(others)
    asked = np.array(rows, np.int64)
    parts = [(select(tape), asked, 10 * (n + 1) + np.arange(len(tape)) * 0) for n, tape in enumerate(tapes)]
    woven, brought = weave(parts, len(rows))
    for asking, row in enumerate(rows):
        expected = sorted(
            (int(tape.received[event]), number, int(tape.times[event]))
            for number, tape in enumerate(tapes)
            for event in range(tape.starts[row], tape.starts[row + 1])
        )
        part = slice(woven.starts[asking], woven.starts[asking + 1])
        assert woven.received[part].tolist() == [met for met, _, _ in expected]
        assert woven.times[part].tolist() == [time for _, _, time in expected]
        assert brought[part].tolist() == [10 * (number + 1) for _, number, _ in expected]
        assert woven.late or (np.diff(woven.times[part]) >= 0).all()


def _tape(moments: list[tuple[int, int, int]]) -> Tape:
    customers, met, ago = np.array(moments, np.int64).reshape(-1, 3).T.copy()
    names = np.zeros(len(met), np.int32)
    return build(customers, met - ago, met, names, ("A",), everyone=np.array([1, 2, 3]))
