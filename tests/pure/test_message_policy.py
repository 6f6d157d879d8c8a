"""The policy's verdicts by suppression and consent, and what it shows of them (P29)."""

from __future__ import annotations

import pytest
from message_cases import Asked, Mark, at, decided, one, sends_of, tape_of

from sojourn.errors import Invalid
from sojourn.message import policy
from sojourn.message.policy import DELIVER, SUPPRESS, Policy
from sojourn.message.pressure import Cap, Quiet

NOON = at("2026-05-04 12:00")
MARKETING, RECEIPT = Asked(1, NOON), Asked(1, NOON, purpose="transactional")
YES = Mark(1, NOON - 9, "Consent Given", {"channel": "email", "purpose": "marketing"})
NO = Mark(1, NOON - 5, "Consent Withdrawn", {"channel": "email", "purpose": "marketing"})


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([], "consent: marketing not given"),
        ([YES], ""),
        ([YES, NO], "consent: marketing withdrawn"),
        ([NO, YES._replace(happened=NOON - 1)], ""),  # agreed again
        ([NO, YES._replace(happened=NOON - 5)], "consent: marketing withdrawn"),  # at once: the stricter
        ([NO, Mark(1, NOON - 1, "Consent Given", {"channel": "email"})], "consent: marketing withdrawn"),
        (
            [NO, Mark(1, NOON - 1, "Consent Given", {**YES.said, "source": "import"})],
            "consent: marketing withdrawn",
        ),
        ([Mark(1, NOON - 9, "Consent Given", {"purpose": "marketing"})], ""),  # on every channel
        (
            [Mark(1, NOON - 9, "Consent Given", {**YES.said, "channel": "sms"})],
            "consent: marketing not given",
        ),
        ([YES, Mark(1, NOON - 5, "Unsubscribed")], "consent: marketing withdrawn"),
        ([Mark(1, NOON - 9, "Unsubscribed"), YES._replace(happened=NOON - 5)], ""),
        ([YES, Mark(1, NOON - 5, "Unsubscribed", {"purpose": "news"})], ""),
        ([YES, NO._replace(happened=NOON + 1)], ""),  # not known yet
        ([Mark(2, NOON - 9, "Consent Given", YES.said)], "consent: marketing not given"),  # somebody else's
    ],
)
def test_consent_by_purpose(marks: list[Mark], expected: str) -> None:
    outcome = (SUPPRESS, expected) if expected else (DELIVER, "")
    assert one(Policy(), MARKETING, *marks) == outcome


def test_needs_of_purposes() -> None:
    rules = Policy(consent={"marketing": "opt_out", "news": "confirmed"})
    news = MARKETING._replace(purpose="news")
    form = Mark(1, NOON - 9, "Consent Given", {"purpose": "news", "source": "form"})
    click = Mark(1, NOON - 8, "Consent Given", {"purpose": "news", "source": "double opt-in"})
    assert one(rules, MARKETING) == (DELIVER, "")
    assert one(rules, MARKETING, NO) == (SUPPRESS, "consent: marketing withdrawn")
    assert one(rules, news) == (SUPPRESS, "consent: news not given")
    assert one(rules, news, form) == (SUPPRESS, "consent: news not confirmed")
    assert one(rules, news, form, click) == (DELIVER, "")
    gone = Mark(1, NOON - 7, "Unsubscribed", {"purpose": "news"})
    assert one(rules, news, form, click, gone) == (SUPPRESS, "consent: news withdrawn")
    again = form._replace(happened=NOON - 6)
    assert one(rules, news, form, click, gone, again) == (SUPPRESS, "consent: news not confirmed")


HARD = Mark(1, NOON - 5, "Email Bounced", {"hard": True, "address": "Ada@example.org"})
HERS = Mark(1, NOON - 9, "Identified", {}, {"email": "ada@example.org"})


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([HARD], "bounced"),
        ([HERS, HARD], "bounced"),
        ([HERS, HARD, HERS._replace(happened=NOON - 1, traits={"email": "ada@example.com"})], ""),
        ([HARD._replace(said={"soft": True})], ""),
        ([HARD._replace(said={"soft": True}, happened=NOON - day) for day in range(1, 6)], "bounced"),
        ([HARD._replace(said={"soft": True}, happened=NOON - day * 10**13) for day in range(1, 6)], ""),
        (
            [HARD._replace(said={"hard": False}, happened=NOON - day) for day in range(1, 9)],
            "",
        ),  # not about it
        ([Mark(1, NOON - 5, "SMS Bounced", {"hard": True})], ""),
        ([Mark(1, NOON - 5, "Email Marked as Spam")], "complained"),
        ([Mark(1, NOON - 5, "Customer Erased"), HARD], "erased"),
        ([NO, Mark(1, NOON - 5, "Unsubscribed")], ""),  # no bar to what needs no consent
    ],
)
def test_suppression_stands_above_purpose(marks: list[Mark], expected: str) -> None:
    assert one(Policy(), RECEIPT, *marks) == ((SUPPRESS, expected) if expected else (DELIVER, ""))


def test_marks_on_several_tapes_are_one_history() -> None:
    base, layer = tape_of([YES, HERS]), tape_of([NO])
    assert decided(Policy(), [MARKETING], base) == [(DELIVER, "")]
    assert decided(Policy(), [MARKETING], base, layer) == [(SUPPRESS, "consent: marketing withdrawn")]


def test_gates_show_what_they_decided_by() -> None:
    rules = Policy(caps=(Cap(3),), quiet=(Quiet("22:00", "08:00"),))
    found = policy.gates(rules, sends_of([MARKETING]), (tape_of([YES, HARD]),))
    assert [gate.name for gate in found] == [
        "erased",
        "complained",
        "bounced",
        "consent",
        "quiet hours",
        "caps",
    ]
    assert [bool(gate.stops[0]) for gate in found] == [False, False, True, False, False, False]
    assert found[2].facts["bounced"].tolist() == [HARD.happened]
    assert found[4].facts["minute_of_day"].tolist() == [12 * 60]


def test_policies_as_data() -> None:
    rules = policy.parse(
        {
            "consent": {"marketing": "opt_in", "transactional": "none"},
            "caps": [{"at_most": 3, "channel": "email", "then": "hold"}],
            "quiet": [{"from": "22:00", "to": "08:00"}],
            "fallback_zone": "Europe/Berlin",
        }
    )
    assert (rules.caps[0].reason, rules.quiet[0].window) == ("cap: 3 a day email", (22 * 60, 8 * 60))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"caps": [{"at_most": 0}]}, "policy.caps[0].at_most"),
        ({"caps": [{"at_most": 1, "days": 0}]}, "policy.caps[0].days"),
        ({"caps": [{"at_most": "many"}]}, "policy.caps[0].at_most"),
        ({"quiet": [{"from": "25:00", "to": "08:00"}]}, "policy.quiet[0].from"),
        ({"quiet": [{"from": "08:00", "to": "08:00"}]}, "policy.quiet[0]"),
        ({"consent": {"x": "maybe"}}, "policy.consent[...]"),
        ({"fallback_zone": "Berlin"}, "policy.fallback_zone"),
        ({"cap": []}, "policy"),
    ],
)
def test_mistakes_name_their_place(data: object, place: str) -> None:
    with pytest.raises(Invalid) as raised:
        policy.parse(data)
    assert raised.value.place == place


def test_no_sends_at_all() -> None:
    rules = Policy(caps=(Cap(1),), quiet=(Quiet("22:00", "08:00"),))
    assert len(policy.decide(rules, sends_of([]), (tape_of([]),)).outcomes) == 0
