"""Telephone numbers, and the parts that a text is sent in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channel.texting.phone import GSM, UCS2, number, parts

GSM_LETTERS = "@£$¥èéABCabc 123\nÄÖÜß"


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("+14155552671", "", "+14155552671"),
        (" +1 (415) 555-2671 ", "", "+14155552671"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+44 7911 123456", "DE", "+447911123456"),
        ("0151 23456789", "", None),
        ("ada@example.org", "DE", None),
        ("", "DE", None),
        ("+1", "", None),
    ],
)
def test_a_number_has_one_notation(text: str, country: str, found: str | None) -> None:
    assert number(text, country) == found


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", GSM, 0, 1),
        ("a" * 160, GSM, 160, 1),
        ("a" * 161, GSM, 161, 2),
        ("a" * 306, GSM, 306, 2),
        ("a" * 307, GSM, 307, 3),
        ("€" * 80, GSM, 160, 1),
        ("€" * 81, GSM, 162, 2),
        ("a" * 152 + "€" + "a" * 153, GSM, 307, 3),  # the € does not fit behind the 152
        ("é" * 70 + "à", GSM, 71, 1),
        ("ê", UCS2, 1, 1),
        ("я" * 70, UCS2, 70, 1),
        ("я" * 71, UCS2, 71, 2),
        ("😀" * 35, UCS2, 70, 1),
        ("😀" * 36, UCS2, 72, 2),
        ("😀" * 67, UCS2, 134, 3),  # 33 a part: one half of a pair is never left behind
    ],
)
def test_parts_are_counted_as_they_are_paid(text: str, encoding: str, units: int, segments: int) -> None:
    found = parts(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


@given(st.text(max_size=400) | st.text(GSM_LETTERS, max_size=700))
def test_more_text_never_takes_fewer_parts(text: str) -> None:
    found, longer = parts(text), parts(text + "a")
    assert longer.segments >= found.segments
    assert longer.units == found.units + 1
    room = (153 if found.encoding == GSM else 67) if found.segments > 1 else 160
    assert found.segments * room >= found.units
    if found.encoding == UCS2:
        assert found.units == len(text.encode("utf-16-le", "surrogatepass")) // 2
