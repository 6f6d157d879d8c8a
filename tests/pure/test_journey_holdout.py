"""Who is held out: drawn by hash, for ever, and for each journey anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.journey.entering.holdout import EVERYWHERE, kept_out
from sojourn.tape.hashing import hash_text


@given(st.integers(0, 2**32), st.floats(0.01, 0.5), st.floats(0, 0.4))
def test_a_holdout_is_drawn_once_and_for_each_journey_anew(seed: int, part: float, more: float) -> None:
    customers = np.random.default_rng(seed).integers(1, 2**40, 4_000)
    journey, other = hash_text(f"journey {seed}"), hash_text("other")
    kept = kept_out(journey, customers, part)
    assert (kept == kept_out(journey, customers, part)).all()
    assert (kept[::-1] == kept_out(journey, customers[::-1], part)).all(), "whoever else is asked about"
    assert (kept <= kept_out(journey, customers, part + more)).all(), "a larger part holds the smaller"
    assert not kept_out(journey, customers, 0).any()
    assert kept.mean() == pytest.approx(part, abs=0.06)
    for elsewhere in (kept_out(other, customers, part), kept_out(EVERYWHERE, customers, part)):
        assert (kept & elsewhere).mean() == pytest.approx(part**2, abs=0.06)
