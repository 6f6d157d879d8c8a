"""Hashes are the same for ever: what they decided once, years later they decide again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.tape.hashing import hash_text, mix, share

NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5)


def plain_mix(parts: list[int]) -> int:
    """splitmix64 in whole numbers, as its authors wrote it down."""
    wrap = 2**64 - 1
    state = 0
    for part in parts:
        state = ((state ^ (part & wrap)) + 0x9E3779B97F4A7C15) & wrap
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & wrap
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & wrap
        state ^= state >> 31
    return max(state >> 1, 1)


@given(NUMBERS)
def test_mix_is_splitmix64(parts: list[int]) -> None:
    assert mix(*parts).tolist() == [plain_mix(parts)]


@given(NUMBERS, NUMBERS)
def test_mix_takes_columns_beside_single_numbers(column: list[int], parts: list[int]) -> None:
    mixed = mix(7, np.array(column, np.int64), *parts)
    assert mixed.tolist() == [plain_mix([7, element, *parts]) for element in column]


@given(st.text())
def test_a_text_hashes_to_a_positive_63_bit_number(text: str) -> None:
    assert 0 < hash_text(text) < 2**63


def test_known_hashes_stay() -> None:
    assert hash_text("welcome") == 1694731894182240716
    assert mix(1, 2, 3).tolist() == [7510213797696614745]


def test_shares_are_even_and_below_one() -> None:
    shares = share(mix(5, np.arange(100_000)))
    assert shares.min() >= 0
    assert shares.max() < 1
    assert share(np.array([2**63 - 1]))[0] < 1
    tenths = np.bincount((shares * 10).astype(np.int64))
    assert abs(tenths - 10_000).max() < 400
