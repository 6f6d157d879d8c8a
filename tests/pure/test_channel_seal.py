"""Only who holds a mail of ours can speak of it."""

from __future__ import annotations

import re

import pytest

from sojourn.channel.seal import (
    effect_in,
    is_ours,
    leaving_address,
    leaving_effect,
    return_path,
    sealed,
)

KEY, OLD_KEY = b"a key of the installation, 32 b.", b"the one before, retired in march"
EFFECT = "0123456789abcdef"
PATH = return_path(EFFECT, KEY, "bounce.example")
LEAVE = leaving_address(EFFECT, KEY, "in.example")


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


def test_an_address_to_leave_by_is_no_address_of_bounces_and_the_other_way_round() -> None:
    """Whoever is forwarded a mail of ours reads the seal of its Message-ID; it takes nobody off a list."""
    assert leaving_effect([f"<{LEAVE.upper()}>"], [b"another", KEY]) == EFFECT
    assert effect_in([LEAVE, LEAVE.replace("-", "=").replace("u=", "b+")], [KEY]) == ""
    assert leaving_effect([PATH, f"u-{EFFECT}-{sealed(EFFECT, KEY)}@in.example"], [KEY]) == ""
    assert leaving_effect([LEAVE], [OLD_KEY]) == leaving_effect([LEAVE], []) == ""
    assert len(LEAVE.partition("@")[0]) <= 64
    assert re.fullmatch(r"[a-z0-9@.-]+", LEAVE), "needs no escape in a mailto (RFC 6068)"


def test_our_addresses_are_those_that_we_sealed() -> None:
    for address in (PATH, LEAVE):
        assert is_ours(address, [KEY])
        assert is_ours(address.upper(), [OLD_KEY, KEY])
        assert not is_ours(address, [OLD_KEY])
        assert not is_ours(f"x{address}", [KEY])
        assert not is_ours(f"x@example.org {address}", [KEY])
        local = address.partition("@")[0]
        for at in range(len(local)):
            changed = "0" if local[at] != "0" else "1"
            assert not is_ours(address[:at] + changed + address[at + 1 :], [KEY])
    for address in ("postmaster@in.example", f"{EFFECT}@in.example", f"u-{EFFECT}-@in.example", ""):
        assert not is_ours(address, [KEY])
