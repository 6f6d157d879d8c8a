"""The policy's verdicts: suppression, consent by purpose, caps by calendar day and quiet hours (P28, P29)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.message import policy
from sojourn.message.gate import Sends
from sojourn.message.policy import DELIVER, HOLD, SUPPRESS, Policy, Verdicts
from sojourn.message.pressure import Cap, Quiet
from sojourn.tape import zones
from sojourn.tape.build import build
from sojourn.tape.tape import NEVER, Column, Tape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Scoresbysund", "Mars/Base")
FREE = Policy(otherwise="none")


class Mark(NamedTuple):
    customer: int
    happened: int
    name: str
    said: Mapping[str, Any] = MappingProxyType({})
    traits: Mapping[str, Any] = MappingProxyType({})


class Asked(NamedTuple):
    customer: int
    now: int
    channel: str = "email"
    purpose: str = "marketing"
    priority: int = 0


def at(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def shown(instant: int, zone: str) -> datetime:
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zones._load(zone))


def tape_of(marks: Sequence[Mark], everyone: int = 6) -> Tape:
    vocabulary = tuple(dict.fromkeys(mark.name for mark in marks))
    times = np.array([mark.happened for mark in marks], np.int64)
    return build(
        np.array([mark.customer for mark in marks], np.int64),
        times,
        None,
        np.array([vocabulary.index(mark.name) for mark in marks], np.int32),
        vocabulary,
        np.arange(1, len(marks) + 1),
        properties=columns([mark.said for mark in marks]),
        traits=columns([mark.traits for mark in marks]),
        everyone=np.arange(everyone),
    )


def columns(rows: list[Mapping[str, Any]]) -> dict[str, Column]:
    names = {name for row in rows for name in row}
    carried = {name: [index for index, row in enumerate(rows) if name in row] for name in names}
    return {
        name: Column.of(np.array(index, np.int64), [rows[at][name] for at in index])
        for name, index in carried.items()
    }


def sends_of(asked: Sequence[Asked]) -> Sends:
    channels = tuple(dict.fromkeys(each.channel for each in asked))
    purposes = tuple(dict.fromkeys(each.purpose for each in asked))
    return Sends(
        rows=np.array([each.customer for each in asked], np.int64),
        now=np.array([each.now for each in asked], np.int64),
        priority=np.array([each.priority for each in asked], np.int64),
        keys=np.arange(1, len(asked) + 1),
        channels=np.array([channels.index(each.channel) for each in asked], np.int32),
        channel_names=channels,
        purposes=np.array([purposes.index(each.purpose) for each in asked], np.int32),
        purpose_names=purposes,
    )


def reason(verdicts: Verdicts, index: int) -> str:
    code = int(verdicts.reasons[index])
    return "" if code < 0 else verdicts.reason_names[code]


def decided(rules: Policy, asked: Sequence[Asked], *tapes: Tape) -> list[tuple[int, str]]:
    verdicts = policy.decide(rules, sends_of(asked), tapes)
    return [(int(outcome), reason(verdicts, index)) for index, outcome in enumerate(verdicts.outcomes)]


def one(rules: Policy, asked: Asked, *marks: Mark) -> tuple[int, str]:
    return decided(rules, [asked], tape_of(marks))[0]


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
        ([HARD._replace(said={"hard": False})], ""),
        ([HARD._replace(said={"hard": False}, happened=NOON - day) for day in range(1, 6)], "bounced"),
        ([HARD._replace(said={"hard": False}, happened=NOON - day * 10**13) for day in range(1, 6)], ""),
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


def test_the_last_moment_asks_consent_and_suppression_only() -> None:
    rules = Policy(otherwise="opt_out", caps=(Cap(1),), quiet=(Quiet("00:00", "23:00"),))
    sends, planned = sends_of([MARKETING]), Mark(1, NOON - 3, "Message Planned", {"channel": "email"})
    assert policy.permitted(rules, sends, (tape_of([planned]),)).outcomes.tolist() == [DELIVER]
    assert policy.permitted(rules, sends, (tape_of([planned, NO]),)).outcomes.tolist() == [SUPPRESS]


def test_caps_count_in_order_of_priority_and_say_why() -> None:
    rules = Policy(
        otherwise="none", caps=(Cap(2, channel="email"), Cap(1, 7, purpose="news", then="suppress"))
    )
    asked = [
        Asked(1, NOON, priority=9),
        Asked(1, NOON, purpose="news", priority=1),
        Asked(1, NOON, purpose="news", priority=2),
        Asked(1, NOON, priority=3),
        Asked(1, NOON, channel="sms", priority=10),
        Asked(2, NOON, priority=10),
    ]
    verdicts = policy.decide(rules, sends_of(asked), (tape_of([]),))
    assert verdicts.outcomes.tolist() == [HOLD, DELIVER, SUPPRESS, DELIVER, DELIVER, DELIVER]
    assert [reason(verdicts, index) for index in (0, 2)] == ["cap: 2 a day email", "cap: 1 a week news"]
    assert verdicts.until.tolist() == [at("2026-05-05 00:00"), *[NEVER] * 5]


def test_a_cap_over_days_has_room_when_the_oldest_of_them_is_over() -> None:
    planned = [
        Mark(1, at(f"2026-05-0{day} 09:00"), "Message Planned", {"channel": "email", "purpose": "news"})
        for day in (1, 2, 4)
    ]
    rules = Policy(otherwise="none", caps=(Cap(3, 7),))
    verdicts = policy.decide(rules, sends_of([MARKETING]), (tape_of(planned[:2]), tape_of(planned[2:])))
    assert (verdicts.outcomes.tolist(), verdicts.until.tolist()) == ([HOLD], [at("2026-05-08 00:00")])


def test_quiet_hours_by_channel_and_purpose() -> None:
    night = Quiet("22:00", "08:00", channels=("email", "push"))
    rules = Policy(otherwise="none", quiet=(night, Quiet("21:00", "09:00", then="suppress")))
    late = at("2026-05-04 21:30")  # 23:30 in Berlin
    berlin = Mark(1, 1, "Identified", {}, {"timezone": "Europe/Berlin"})
    asked = [Asked(1, late), Asked(1, late, "sms"), Asked(1, late, purpose="transactional"), Asked(2, late)]
    verdicts = policy.decide(rules, sends_of(asked), (tape_of([berlin]),))
    assert verdicts.outcomes.tolist() == [HOLD, SUPPRESS, DELIVER, DELIVER]
    assert verdicts.until[0] == at("2026-05-05 06:00")
    assert [reason(verdicts, index) for index in (0, 1)] == [
        "quiet hours 22:00 to 08:00",
        "quiet hours 21:00 to 09:00",
    ]


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


year = st.integers(at("2026-01-01 00:00"), at("2026-12-31 23:59"))
jumps = st.sampled_from(
    ["2026-03-08 07:00", "2026-03-29 01:00", "2026-04-04 15:00", "2026-10-25 01:00"]
).flatmap(lambda jump: st.integers(-36 * 60, 36 * 60).map(lambda minutes: at(jump) + minutes * zones.MINUTE))
asked_in_a_year = st.lists(
    st.builds(
        Asked,
        customer=st.integers(0, len(PLACES) - 1),
        now=year | jumps,
        channel=st.sampled_from(["email", "sms"]),
        purpose=st.sampled_from(["marketing", "news", "transactional"]),
        priority=st.integers(0, 2),
    ),
    min_size=1,
    max_size=40,
)
policies = st.builds(
    Policy,
    otherwise=st.just("none"),
    caps=st.lists(
        st.builds(
            Cap,
            at_most=st.integers(1, 3),
            days=st.integers(1, 9),
            channel=st.sampled_from(["", "email"]),
            purpose=st.sampled_from(["", "news"]),
            then=st.sampled_from(["hold", "suppress"]),
        ),
        max_size=2,
    ).map(tuple),
    quiet=st.sampled_from([(), (Quiet("22:00", "08:00"),), (Quiet("01:30", "02:45", exempt=()),)]),
)
HOMES = [Mark(index, 1, "Identified", {}, {"timezone": place}) for index, place in enumerate(PLACES)]


def zone_of(customer: int) -> str:
    return PLACES[customer] if customer < 4 else "UTC"


@settings(deadline=None)
@given(policies, asked_in_a_year)
def test_a_year_of_sends_keeps_to_caps_and_quiet_hours(rules: Policy, asked: list[Asked]) -> None:
    verdicts = policy.decide(rules, sends_of(asked), (tape_of(HOMES),))
    sent = [each for each, outcome in zip(asked, verdicts.outcomes, strict=True) if outcome == DELIVER]
    for cap in rules.caps:
        dates = Counter(
            (each.customer, shown(each.now, zone_of(each.customer)).date().toordinal())
            for each in sent
            if cap.channel in ("", each.channel) and cap.purpose in ("", each.purpose)
        )
        for customer, last in dates:
            within = sum(dates[customer, last - before] for before in range(cap.days))
            assert within <= cap.at_most
    for hours in rules.quiet:
        for each in sent:
            assert each.purpose in hours.exempt or not quiet_at(hours, each.now, each.customer)


@settings(deadline=None)
@given(policies, asked_in_a_year)
def test_all_at_once_is_one_after_the_other(rules: Policy, asked: list[Asked]) -> None:
    together = decided(rules, asked, tape_of(HOMES))
    marks = list(HOMES)
    order = sorted(range(len(asked)), key=lambda index: (asked[index].now, asked[index].priority, index))
    for index in order:
        each = asked[index]
        outcome, why = one(rules, each, *marks)
        assert (outcome, why) == together[index]
        if outcome == DELIVER:
            said = {"channel": each.channel, "purpose": each.purpose}
            marks.append(Mark(each.customer, each.now, "Message Planned", said))


@settings(deadline=None)
@given(policies, asked_in_a_year)
def test_a_held_send_waits_no_longer_than_it_must(rules: Policy, asked: list[Asked]) -> None:
    sends = sends_of(asked)
    verdicts = policy.decide(rules, sends, (tape_of(HOMES),))
    planned = [
        Mark(each.customer, each.now, "Message Planned", {"channel": each.channel, "purpose": each.purpose})
        for each, outcome in zip(asked, verdicts.outcomes, strict=True)
        if outcome == DELIVER
    ]
    for each, outcome, until in zip(asked, verdicts.outcomes, verdicts.until.tolist(), strict=True):
        if outcome != HOLD:
            continue
        assert until > each.now
        before = [mark for mark in planned if mark.happened <= each.now]
        hourly = range(each.now, until, max((until - each.now) // 9, 1))
        for moment in (*hourly, until - 1):
            assert one(rules, each._replace(now=moment), *HOMES, *before)[0] != DELIVER
        assert one(rules, each._replace(now=until), *HOMES, *before)[0] == DELIVER


def quiet_at(hours: Quiet, instant: int, customer: int) -> bool:
    clock = shown(instant, zone_of(customer)).strftime("%H:%M")
    if hours.since < hours.until:
        return hours.since <= clock < hours.until
    return clock >= hours.since or clock < hours.until


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
