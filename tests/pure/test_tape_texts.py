"""Texts in one block read as a sequence of strings does."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.tape.texts import Texts


def block(texts: list[str]) -> Texts:
    encoded = [text.encode() for text in texts]
    ends = np.array([0, *accumulate(map(len, encoded))], np.int32)
    return Texts(memoryview(b"".join(encoded)), ends)


@given(texts=st.lists(st.text(st.characters(codec="utf-8"))), at=st.integers(-9, 9), to=st.integers(-9, 9))
def test_a_block_of_texts_is_a_sequence_of_them(texts: list[str], at: int, to: int) -> None:
    found = block(texts)
    assert list(found) == texts
    assert len(found) == len(texts)
    assert found[at:to] == texts[at:to]
    assert [found[i] for i in range(-len(texts), len(texts))] == texts * 2
    assert bool(found) == bool(texts)
    for beyond in (len(texts), -len(texts) - 1):
        with pytest.raises(IndexError):
            found[beyond]
