"""Parts of the customers hold each customer once, and add up to the answer for all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from sojourn.tape import cores
from sojourn.tape.cores import by_parts


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 4), st.integers(1, 9))
def test_parts_cover_every_customer_once(sizes: list[int], machine: int, worth: int) -> None:
    starts = np.append(0, np.cumsum(np.array(sizes, np.int64)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cores, "_WORTH_A_CORE", worth)
        patch.setattr(config, "NUMBA_NUM_THREADS", machine)
        parts = by_parts(lambda part: part.tolist(), starts)
    assert 1 <= len(parts) <= machine
    assert [start for part in parts for start in part[:-1]] == starts[:-1].tolist()
    assert all(part[-1] == following[0] for part, following in pairwise(parts))
    assert parts[-1][-1] == starts[-1]


def test_what_a_part_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_WORTH_A_CORE", 1)
    with pytest.raises(ZeroDivisionError):
        by_parts(lambda part: 1 / 0, np.array([0, 2, 4]))
