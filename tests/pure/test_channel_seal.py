"""Only who holds a mail of ours can speak of it."""

from __future__ import annotations

import pytest

from sojourn.channel.seal import effect_in, return_path, sealed

KEY, OLD_KEY = b"a key of the installation, 32 b.", b"the one before, retired in march"
EFFECT = "0123456789abcdef"
PATH = return_path(EFFECT, KEY, "bounce.example")


def test_a_return_path_fits_into_an_address_and_gives_the_effect_back() -> None:
    assert len(PATH.partition("@")[0]) <= 64
    assert effect_in([PATH], [KEY]) == EFFECT
    assert effect_in([PATH], [b"another", KEY]) == EFFECT, "the keys of before are still read"


@pytest.mark.parametrize(
    "place", ["To: <{}>", "{}", "see {} for more", "rfc822;{}", "<{}>,<other@example.org>"]
)
def test_it_is_found_wherever_it_stands(place: str) -> None:
    assert effect_in(["nothing here", place.format(PATH)], [KEY]) == EFFECT
    assert effect_in([place.format(PATH.upper())], [KEY]) == EFFECT
    assert effect_in([place.format(f"{EFFECT}.{sealed(EFFECT, KEY)}@shop.example")], [KEY]) == EFFECT


def test_what_is_forged_is_not_found() -> None:
    other = "fedcba9876543210"
    assert effect_in([PATH], [OLD_KEY]) == ""
    assert effect_in([PATH.replace(EFFECT, other)], [KEY]) == ""
    assert effect_in([f"b+{EFFECT}={'0' * 32}@bounce.example"], [KEY]) == ""
    assert effect_in([f"{EFFECT}@shop.example"], [KEY]) == ""
    assert effect_in([PATH], []) == ""
    for at in range(2, len(PATH.partition("@")[0])):
        changed = PATH[:at] + ("0" if PATH[at] != "0" else "1") + PATH[at + 1 :]
        assert effect_in([changed], [KEY]) == ""


def test_the_true_one_is_found_behind_a_forged_one() -> None:
    assert effect_in([f"{EFFECT}={'0' * 32}", PATH], [KEY]) == EFFECT
