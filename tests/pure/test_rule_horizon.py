"""What a rule answers stays so until its horizon or an event it listens for; what it needs is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_cases import ARE_SPANS, BEGINS, People, cohort, people, rules, tape_of
from rule_reading import Asked, Event, holds
from rule_standing import SEGMENTS

from sojourn.errors import Invalid
from sojourn.rule import definition as d
from sojourn.rule.evaluate import evaluate
from sojourn.rule.horizon import horizon
from sojourn.rule.listens import listens
from sojourn.rule.needs import Needs, needs
from sojourn.rule.span import DAY, instants
from sojourn.rule.text import parse
from sojourn.tape.tape import NEVER

Case = tuple[People, list[Asked]]

LENGTHS = (0, *(span.length for span in ARE_SPANS))


@settings(max_examples=200)
@given(rules, people)
def test_the_answer_stays_until_the_horizon(rule: d.Rule, case: Case) -> None:
    crowd, asked = case
    for tapes in ((crowd.tape(),), (crowd.tape(marks=False), crowd.tape(marks=True))):
        batch = cohort(asked, tapes)
        until = horizon(rule, batch)
        assert (until > batch.now).all()
        answers = evaluate(rule, batch)
        for one, answer, change in zip(asked, answers, until, strict=True):
            for instant in _edges(one, int(change)):
                assert holds(rule, replace(one, now=instant)) == answer, (instant, change)


def _edges(asked: Asked, until: int) -> list[int]:
    """The instants before `until` and the next event at which a window or a date may turn."""
    ahead = [event.received for event in asked.events if event.received > asked.now]
    until = min(until, *ahead, asked.now + 800 * DAY)
    dates = ("2026-03-25", "2026-04-01T12:00", "2026-03-29T12:00+02:00")
    marks = [BEGINS + 9 * DAY, 1_775_000_000_000_000, *instants(dates, asked.zone).tolist()]
    marks += [instant for event in asked.known for instant in (event.time, event.received)]
    turns = {
        mark + sign * length + off
        for mark in marks
        for length in LENGTHS
        for sign in (-1, 1)
        for off in (-1, 0, 1)
    }
    return sorted(turn for turn in {*turns, until - 1} if asked.now < turn < until)


@given(rules, people)
def test_only_events_listened_for_change_the_answer(rule: d.Rule, case: Case) -> None:
    crowd, asked = case
    tape = crowd.tape()
    heard = listens(rule, tape, SEGMENTS, "welcome", "Europe/Berlin")
    assert (np.diff(heard.positions) > 0).all()
    for one in asked:
        begin = tape.starts[one.customer - 1]
        for place, event in enumerate(one.events):
            if begin + place in heard.positions:
                continue
            before = replace(one, now=event.received - 1)
            if horizon(rule, cohort([before], (tape,)))[0] > event.received:
                assert holds(rule, before) == holds(rule, replace(one, now=event.received))


@given(rules, people)
def test_what_it_needs_is_enough_to_answer(rule: d.Rule, case: Case) -> None:
    _, asked = case
    needed = needs(rule, SEGMENTS)
    for one in asked:
        thin = tuple(slim for event in one.events if (slim := _slim(event, needed, one)) is not None)
        assert holds(rule, replace(one, events=thin)) == holds(rule, one)


def _slim(event: Event, needed: Needs, asked: Asked) -> Event | None:
    """The event with no more than what is needed of it, None if nothing is."""
    traits = {name: value for name, value in event.traits.items() if name in needed.traits}
    near = needed.reach is None or event.received >= asked.now - needed.reach
    if not (event.name in needed.events and near):
        return replace(event, name="Other", properties={}, traits=traits) if traits else None
    wanted = needed.properties.get(event.name, frozenset())
    properties = {name: value for name, value in event.properties.items() if name in wanted}
    return replace(event, properties=properties, traits=traits)


def at(instant: str) -> int:
    return int(instants([instant], "UTC")[0])


def bought(*days: str) -> tuple[Event, ...]:
    return tuple(
        Event("Ordered", at(day), at(day), key, properties={"total": 1.0}) for key, day in enumerate(days)
    )


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ({"performed": "Ordered", "within": "7 days"}, "2026-04-17"),
        ({"performed": "Ordered", "at_least": 2, "within": "7 days"}, "2026-04-15"),
        ({"performed": "Ordered", "at_least": 3, "within": "7 days"}, "2026-04-11"),
        ({"performed": "Ordered", "at_most": 1, "within": "7 days"}, "2026-04-15"),
        ({"performed": "Ordered", "at_most": 2, "within": "7 days"}, "2026-04-11"),
        ({"performed": "Ordered", "exactly": 3, "within": "7 days"}, "2026-04-11"),
        ({"performed": "Ordered", "never": True, "within": "7 days"}, "2026-04-17"),
        ({"performed": "Ordered", "at_least": 4, "within": "7 days"}, None),
        ({"performed": "Ordered", "at_least": 3}, None),
        ({"performed": "Ordered", "sum": {"total": {"above": 2}}, "within": "7 days"}, "2026-04-11"),
        ({"performed": "Ordered", "last": {"when": {"more_than_ago": "7 days"}}}, "2026-04-17"),
        ({"performed": "Ordered", "first": {"when": {"within_last": "7 days"}}}, "2026-04-11"),
        ({"performed": "Ordered", "between": ["2026-04-01", "2026-04-30"]}, None),
        ({"performed": "Ordered", "then_performed": "Ordered", "within": "7 days"}, None),
        ({"not": {"performed": "Ordered", "within": "7 days"}}, "2026-04-17"),
        (
            {"all": [{"performed": "Ordered", "within": "7 days"}, {"performed": "Viewed"}]},
            None,  # the false one never changes, so the whole does not
        ),
        (
            {"any": [{"performed": "Ordered"}, {"performed": "Ordered", "within": "7 days"}]},
            None,  # the true one stays
        ),
    ],
)
def test_the_horizon_is_the_very_instant(text: object, change: str | None) -> None:
    events = bought("2026-04-04", "2026-04-08", "2026-04-10")
    asked = Asked(1, events, at("2026-04-10"))
    batch = cohort([asked], (tape_of([(1, event) for event in events], 1),))
    rule = parse(text)
    until = horizon(rule, batch)[0]
    # A window of 7 days still holds what happened 7 days ago to the microsecond.
    assert until == (NEVER if change is None else at(change) + 1)
    if change is not None:
        assert evaluate(rule, replace(batch, now=batch.now * 0 + until)) != evaluate(rule, batch)


@pytest.mark.parametrize(
    ("compare", "change"),
    [
        ({"within_next": "3 days"}, at("2026-05-17")),
        ({"within_last": "3 days"}, at("2026-05-20")),
        ({"more_than_ago": "3 days"}, at("2026-05-23") + 1),
        ({"more_than_ahead": "3 days"}, at("2026-05-17")),
        ({"before": "2026-06-01"}, NEVER),
    ],
)
def test_a_date_in_a_trait_turns_at_its_instant(compare: dict[str, str], change: int) -> None:
    event = Event("Viewed", at("2026-04-01"), at("2026-04-01"), 1, traits={"ends": "2026-05-20"})
    batch = cohort([Asked(1, (event,), at("2026-04-10"))], (tape_of([(1, event)], 1),))
    batch = replace(batch, zone="UTC")
    assert horizon(parse({"trait": "ends", **compare}), batch)[0] == change


def test_what_a_rule_needs_is_listed() -> None:
    rule = parse(
        {
            "all": [
                {
                    "performed": "Ordered",
                    "where": {"kind": "a"},
                    "sum": {"total": {"above": 5}},
                    "within": "3 days",
                },
                {"clicked": "hello", "since": "entry"},
                {"in_segment": "of buyers"},
                {"entry": "total", "above": 1},
            ]
        }
    )
    needed = needs(rule, SEGMENTS)
    assert needed.events == {"Ordered", "Email Link Clicked", "SMS Link Clicked", "Push Clicked"}
    assert needed.properties["Ordered"] == {"kind", "total"}
    assert needed.properties["Push Clicked"] == {"step", "journey", "machine"}
    assert needed.traits == {"plan"}
    assert needed.segments == {"buyers", "of buyers"}
    assert needed.entry == {"total"}
    assert needed.reach is None
    assert (needed.outcomes, needed.run, needed.timed) == (True, True, True)
    assert needs(parse({"performed": "Ordered", "within": "3 days"}), {}).reach == 3 * DAY
    assert needs(parse({"trait": "plan", "is": "a"}), {}) == needs(
        parse({"trait": "plan", "exists": True}), {}
    )


def test_segments_that_lead_back_to_themselves_are_refused() -> None:
    circle: dict[str, d.Rule] = {"a": d.InSegment("b"), "b": d.Not(d.InSegment("a"))}
    with pytest.raises(Invalid, match="themselves: a → b → a"):
        needs(d.InSegment("a"), circle)


@given(st.sampled_from(["at_least", "above", "below", "at_most"]), st.sampled_from([0.5, 1, 2.5, 10]), people)
def test_a_score_with_one_half_life_turns_at_the_very_microsecond(how: str, mark: float, case: Case) -> None:
    crowd, asked = case
    batch = cohort(asked, (crowd.tape(marks=False), crowd.tape(marks=True)))
    rule = parse({"score": "mood", how: mark})
    for place, turn in enumerate(horizon(rule, batch).tolist()):
        if turn == NEVER or any(asked[place].now < event.received <= turn for event in asked[place].events):
            continue
        one = batch.take(np.array([place]))
        instants_of_it = (asked[place].now, turn - 1, turn)
        now, before, then = (evaluate(rule, replace(one, now=np.array([at])))[0] for at in instants_of_it)
        assert now == before != then
