"""Caps count calendar days and quiet hours follow the customer's clock, a year long (P28)."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from message_cases import Asked, Mark, at, decided, one, reason, sends_of, shown, tape_of

from sojourn.message import policy
from sojourn.message.policy import DELIVER, HOLD, SUPPRESS, Policy
from sojourn.message.pressure import Cap, Quiet
from sojourn.tape import zones
from sojourn.tape.grain import GRAIN
from sojourn.tape.tape import NEVER

PLACES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Scoresbysund", "Mars/Base")
NOON = at("2026-05-04 12:00")
MARKETING = Asked(1, NOON)


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


@given(policies, asked_in_a_year)
def test_all_at_once_is_one_after_the_other(rules: Policy, asked: list[Asked]) -> None:
    together = decided(rules, asked, tape_of(HOMES))
    marks = list(HOMES)
    order = sorted(range(len(asked)), key=lambda index: (asked[index].now, asked[index].priority, index))
    for index in order:
        each = asked[index]
        outcome, why = one(rules, each._replace(now=each.now + GRAIN - 1), *marks)
        assert (outcome, why) == together[index]
        if outcome == DELIVER:
            said = {"channel": each.channel, "purpose": each.purpose}
            marks.append(Mark(each.customer, each.now, "Message Planned", said))


@given(policies, asked_in_a_year)
def test_a_held_send_waits_no_longer_than_it_must(rules: Policy, asked: list[Asked]) -> None:
    sends = sends_of(asked)
    verdicts = policy.decide(rules, sends, (tape_of(HOMES),))
    places = [(each.now, each.priority, index) for index, each in enumerate(asked)]
    planned = {
        place: Mark(
            each.customer, each.now, "Message Planned", {"channel": each.channel, "purpose": each.purpose}
        )
        for place, each, outcome in zip(places, asked, verdicts.outcomes, strict=True)
        if outcome == DELIVER
    }
    for index, each in enumerate(asked):
        until = int(verdicts.until[index])
        if verdicts.outcomes[index] != HOLD:
            continue
        full = rules.caps if reason(verdicts, index).startswith("quiet") else ()
        assert until > each.now
        before = [mark for place, mark in planned.items() if place < places[index]]
        asked_again = each.now + GRAIN - 1  # what was planned at the same instant is met within its grain
        for moment in (asked_again, (each.now + until) // 2, until - 1):
            assert one(rules, each._replace(now=moment), *HOMES, *before)[0] != DELIVER
        # What quiet hours held may meet a full cap in the morning; what a cap held finds room.
        assert one(rules, each._replace(now=until), *HOMES, *before)[1] in ("", *(cap.reason for cap in full))


def quiet_at(hours: Quiet, instant: int, customer: int) -> bool:
    clock = shown(instant, zone_of(customer)).strftime("%H:%M")
    if hours.since < hours.until:
        return hours.since <= clock < hours.until
    return clock >= hours.since or clock < hours.until
