"""Codes of pools and slots of throttles: each is handed out once, whoever asks how often, on both stores."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.journey.steps.incentive import by_pattern
from sojourn.runtime.ticking.portions import Portions
from sojourn.store.database import Database
from sojourn.store.portions import codes


def test_each_code_is_given_once_and_a_repeat_gets_the_same(database: Database) -> None:
    assert database.write(lambda c: codes.load(c, "spring", ["a", "b", "c", "a"])) == 3
    assert database.write(lambda c: codes.load(c, "spring", ["c", "d"])) == 1
    first = database.write(lambda c: Portions(c).allot("spring", np.array([7, 8])))
    assert first.tolist() == ["a", "b"]
    again = database.write(lambda c: Portions(c).allot("spring", np.array([9, 8, 10, 11])))
    assert again.tolist() == ["c", "b", "d", ""]
    with database.reading() as connection:
        assert codes.left(connection) == {"spring": (0, 4)}


def test_a_pool_that_is_not_there_has_no_codes(database: Database) -> None:
    assert database.write(lambda c: Portions(c).allot("none", np.array([1]))).tolist() == [""]


def test_a_throttle_lets_through_evenly_first_come_first_served(database: Database) -> None:
    now = np.array([3_000_000, 1_000_000, 2_000_000])
    due = database.write(lambda c: Portions(c).pace("s/t", 2.0, now))
    assert due.tolist() == [3_000_000, 1_000_000, 2_000_000]
    more = database.write(lambda c: Portions(c).pace("s/t", 2.0, np.array([2_000_000, 2_000_000])))
    assert more.tolist() == [2_500_032, 3_000_000]


@given(st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=50, unique=True))
def test_a_pattern_makes_codes_of_its_own_form(keys: list[int]) -> None:
    found = by_pattern("A-??????????!", np.array(keys))
    assert all(code[:2] == "A-" and code[-1] == "!" and "?" not in code for code in found)
    low = {key & (1 << 50) - 1 for key in keys}
    assert len(set(found.tolist())) == len(low)
