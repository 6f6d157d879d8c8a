"""Consents become marks, and merging two customers keeps the stricter state."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.message import consent
from sojourn.message.consent import WITHDRAWN, Consent, merging

CHANNELS, PURPOSES = ["", "email", "sms"], ["", "marketing", "news"]
consents = st.lists(
    st.builds(
        Consent,
        state=st.sampled_from(["given", "withdrawn"]),
        happened=st.integers(1, 6),
        channel=st.sampled_from(CHANNELS),
        purpose=st.sampled_from(PURPOSES),
        source=st.sampled_from(["form", "import", "double opt-in"]),
    ),
    max_size=6,
)
PAIRS = [
    (channel, purpose) for channel in ["email", "sms", "push"] for purpose in ["marketing", "news", "tips"]
]


def states(said: list[Consent]) -> list[int]:
    return [int(state) for state in consent._states(said, PAIRS)]


def read(said: list[Consent], channel: str, purpose: str) -> bool:
    """Whether some no stands that no later yes to the same or a part of it takes back."""
    about = [each for each in said if each.channel in ("", channel) and each.purpose in ("", purpose)]
    return any(
        each.state == "withdrawn"
        and not any(
            other.state == "given"
            and other.source != "import"
            and other.happened > each.happened
            and each.channel in ("", other.channel)
            and each.purpose in ("", other.purpose)
            for other in about
        )
        for each in about
    )


@given(consents)
def test_what_stands_is_what_the_plain_reading_says(said: list[Consent]) -> None:
    assert [state == WITHDRAWN for state in states(said)] == [read(said, *pair) for pair in PAIRS]


@given(st.lists(st.tuples(st.integers(1, 3), consents), max_size=3))
def test_statements_are_read_customer_by_customer(told: list[tuple[int, list[Consent]]]) -> None:
    owners = [customer for customer, said in told for _ in said]
    spoken = [each for _, said in told for each in said]
    asking = np.repeat(np.arange(4), len(PAIRS))
    put = consent.statements(spoken, np.array(owners, np.int64), asking)
    channels, purposes = (consent.hashes([pair[part] for pair in PAIRS] * 4) for part in (0, 1))
    found = consent.standing(put, channels, purposes).reshape(4, -1).tolist()
    for customer in range(4):
        assert found[customer] == states(
            [each for owner, each in zip(owners, spoken, strict=True) if owner == customer]
        )


@given(consents, consents)
def test_a_merge_keeps_the_stricter_state(first: list[Consent], second: list[Consent]) -> None:
    added = merging(first, second, happened=9)
    merged = states([*first, *second, *added])
    for one, other, both in zip(states(first), states(second), merged, strict=True):
        if WITHDRAWN in (one, other):
            assert both == WITHDRAWN
    assert merging([*first, *second, *added], second, happened=10) == []


@given(consents)
def test_a_merge_with_nobody_adds_nothing(said: list[Consent]) -> None:
    assert merging(said, [], happened=9) == []


def test_the_mark_says_what_rules_need_and_the_ledger_keeps_the_proof() -> None:
    given_ = Consent("given", 5, "email", "news", "footer form", "v3", "192.0.2.1")
    assert given_.mark() == (
        "Consent Given",
        {"channel": "email", "purpose": "news", "source": "footer form", "text_version": "v3"},
    )
    assert Consent("withdrawn", 5, "email").mark() == ("Consent Withdrawn", {"channel": "email"})
