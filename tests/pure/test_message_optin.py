"""Double opt-in: only a button confirms, once and in time."""

from __future__ import annotations

import pytest

from sojourn.message.consent import Consent
from sojourn.message.optin import VALID, answer, ask
from sojourn.message.tokens import Click, Confirmation, Keyring

KEYS = Keyring({1: b"k" * 32})
ASKED = ask(Consent("given", 1_000, "email", "news", "form", "v1", "192.0.2.1"), customer=7, key=99)
TOKEN = KEYS.sign(ASKED.confirmation)


def named() -> Confirmation | None:
    return KEYS.verify(TOKEN, Confirmation)


def test_a_visit_shows_a_button_and_confirms_nothing() -> None:
    for method in ("GET", "HEAD"):
        shown = answer(named(), ASKED, method, 2_000)
        assert (shown.page, shown.consent, shown.pending) == ("button", None, ASKED)


def test_the_button_confirms_once() -> None:
    first = answer(named(), ASKED, "POST", 2_000, "192.0.2.9")
    assert first.page == "thanks"
    assert first.consent == Consent("given", 2_000, "email", "news", "double opt-in", "v1", "192.0.2.9")
    second = answer(named(), first.pending, "POST", 3_000)
    assert (second.page, second.consent) == ("thanks", None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_late_is_too_late(method: str) -> None:
    assert answer(named(), ASKED, method, 1_000 + VALID).page == "expired"
    assert answer(named(), ASKED, method, 1_000 + VALID).consent is None


def test_what_is_not_ours_gets_a_neutral_answer() -> None:
    other = ask(Consent("given", 5), customer=7, key=100)
    for says, pending in ((None, ASKED), (named(), None), (named(), other)):
        assert answer(says, pending, "POST", 2_000).page == "neutral"
    assert KEYS.verify(KEYS.sign(Click(99, 1)), Confirmation) is None
