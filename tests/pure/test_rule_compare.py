"""Values compare as the documentation of rules says, and what is unknown compares false."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from rule_cases import cohort, tape_of
from rule_reading import Asked, Event, Value

from sojourn.rule.cohort import Cohort
from sojourn.rule.evaluate import evaluate
from sojourn.rule.span import instants
from sojourn.rule.text import parse, parse_where
from sojourn.rule.where import where
from sojourn.tape.build import build, empty, take
from sojourn.tape.tape import Column, Tape


def at(instant: str) -> int:
    return int(instants([instant], "UTC")[0])


NOW = at("2026-04-10T12:00")


def with_trait(value: Value) -> Tape:
    return tape_of([(1, Event("Viewed", at("2026-04-01"), at("2026-04-01"), 1, traits={"it": value}))], 1)


def answer(text: Mapping[str, object], tape: Tape, zone: str = "UTC") -> bool:
    rows = np.zeros(1, np.int64)
    return bool(evaluate(parse(text), Cohort((tape,), rows, rows + NOW, zone=zone))[0])


@pytest.mark.parametrize(
    ("value", "comparison", "expected"),
    [
        ("trial", {"is": "trial"}, True),
        ("trial", {"is": "Trial"}, False),
        ("trial", {"is_not": "free"}, True),
        ("5", {"is": 5}, False),
        ("5", {"is_not": 5}, True),
        (5.0, {"is_not": "5"}, True),
        (1.0, {"is": True}, True),
        (0.0, {"is": False}, True),
        (5.0, {"in": ["a", 5]}, True),
        ("a", {"in": ["a", 5]}, True),
        (5.0, {"between": [5, 6]}, True),
        (5.0, {"between": [1, 5]}, True),
        (5.0, {"at_least": 5, "below": 5}, False),
        ("abc", {"above": 1}, False),
        ("abc", {"contains": "b"}, True),
        ('["abc", 5]', {"contains": "b"}, False),
        ('["abc", 5]', {"contains": "abc"}, True),
        ('["abc", 5]', {"contains": 5}, True),
        ("[abc", {"contains": "b"}, True),
        ("[" * 100_000, {"contains": "["}, True),
        (5.0, {"contains": 5}, False),
        ("Graz", {"matches": "(?i)^gr"}, True),
        ("Graz", {"matches": "^r"}, False),
        ("a\ud800", {"matches": "^a"}, True),
        ("a" * 50_000, {"matches": "^(a+)+$"}, True),
        ("a" * 50_000 + "b", {"matches": "^(a+)+$"}, False),
        ("x", {"exists": True}, True),
        ("x", {"exists": False}, False),
        ("2026-04-10", {"before": "2026-04-10"}, False),
        ("2026-04-10", {"before": "2026-04-11"}, True),
        ("2026-04-10T23:59:59", {"after": "2026-04-10"}, False),
        ("2026-04-11", {"after": "2026-04-10"}, True),
        ("2026-04-10T23:59:59", {"between": ["2026-04-01", "2026-04-10"]}, True),
        ("2026-04-10T18:00", {"after": "2026-04-10T18:00"}, False),
        ("2026-04-10T18:00:00.000001", {"after": "2026-04-10T18:00"}, True),
        ("2026-04-10T20:00+02:00", {"between": ["2026-04-10T18:00", "2026-04-10T18:00"]}, True),
        (NOW / 1e6, {"between": ["2026-04-10", "2026-04-10"]}, True),
        (1e300, {"after": "2026-04-10"}, False),
        ("soon", {"after": "2026-04-10"}, False),
        ("2026-04-10T12:00", {"within_last": "1 hour"}, True),
        ("2026-04-10T12:00", {"within_next": "1 hour"}, False),
        ("2026-04-10T13:00", {"within_next": "1 hour"}, True),
        ("2026-04-10T13:00", {"more_than_ahead": "1 hour"}, False),
        ("2026-04-10T11:00", {"within_last": "1 hour"}, True),
        ("2026-04-10T11:00", {"more_than_ago": "1 hour"}, False),
        ("2026-04-10T10:59:59", {"more_than_ago": "1 hour"}, True),
        ("2026-04-10T13:00:01", {"more_than_ahead": "1 hour"}, True),
    ],
)
def test_a_value_compares(value: Value, comparison: dict[str, object], *, expected: bool) -> None:
    assert answer({"trait": "it", **comparison}, with_trait(value)) is expected


@pytest.mark.parametrize(
    "comparison",
    [
        *({"is": "a"}, {"is_not": "a"}, {"in": ["a"]}, {"exists": True}, {"above": 1}, {"below": 1}),
        *({"at_least": 1}, {"at_most": 1}, {"between": [1, 2]}, {"contains": "a"}, {"starts_with": "a"}),
        *({"ends_with": "a"}, {"matches": ".*"}, {"before": "2026-01-01"}, {"after": "2026-01-01"}),
        *({"within_last": "1 day"}, {"within_next": "1 day"}, {"more_than_ago": "1 day"}),
        *({"more_than_ahead": "1 day"}, {"between": ["2026-01-01", "2027-01-01"]}),
    ],
)
def test_what_is_unknown_compares_false(comparison: dict[str, object]) -> None:
    nobody = empty(np.array([1], np.int64))
    assert not answer({"trait": "it", **comparison}, nobody)
    assert not answer({"entry": "it", **comparison}, nobody)
    assert answer({"trait": "it", "exists": False}, nobody)


def test_an_unknown_segment_has_no_members_and_a_circle_ends() -> None:
    tape = with_trait("a")
    assert not answer({"in_segment": "nothing"}, tape)
    rows = np.zeros(1, np.int64)
    circle = {"round": parse({"any": [{"in_segment": "round"}, {"trait": "it", "is": "a"}]})}
    assert evaluate(parse({"in_segment": "round"}), Cohort((tape,), rows, rows + NOW, circle))[0]


def test_a_date_without_zone_is_the_workspaces() -> None:
    before = {"trait": "it", "before": "2026-04-10"}
    late_in_utc = with_trait("2026-04-09T23:00Z")
    assert answer(before, late_in_utc)
    assert not answer(before, late_in_utc, "Europe/Berlin")
    assert answer({"trait": "it", "before": "2026-04-10"}, with_trait("2026-04-09T23:00"), "Europe/Berlin")


def test_a_trait_is_its_latest_value_whatever_came_first() -> None:
    late = Event("Viewed", at("2026-04-01"), at("2026-04-05"), 1, traits={"it": "old"})
    early = Event("Viewed", at("2026-04-02"), at("2026-04-02"), 2, traits={"it": "new"})
    tape = tape_of([(1, early), (1, late)], 1)
    assert answer({"trait": "it", "is": "new"}, tape)


def test_where_measures_spans_from_the_event_itself() -> None:
    trip = Event("Viewed", at("2026-01-01"), at("2026-01-03"), 1, properties={"starts": "2026-01-05"})
    tape = tape_of([(1, trip)], 1)
    assert where(tape, parse_where({"starts": {"within_next": "4 days"}})).tolist() == [True]
    assert where(tape, parse_where({"starts": {"within_next": "3 days"}})).tolist() == [False]
    assert where(tape, parse_where({"ends": {"exists": False}})).tolist() == [True]
    assert where(tape, ()).tolist() == [True]


def test_machines_do_not_count_unless_asked_for() -> None:
    human, machine = (
        Event("Email Link Clicked", NOW, NOW + n, n + 1, properties={"template": "t", **extra})
        for n, extra in enumerate(({}, {"machine": 1.0}))
    )
    for event, by_default in ((human, True), (machine, False)):
        batch = cohort([Asked(1, (event,), NOW + 5)], (tape_of([(1, event)], 1),))
        assert evaluate(parse({"clicked": {"template": "t"}}), batch)[0] == by_default
        assert evaluate(parse({"clicked": {"template": "t", "machine": True}}), batch)[0]


def test_few_customers_out_of_many_are_asked_about_their_own_texts_alone() -> None:
    n = 1000
    texts = tuple(f"name {number}" for number in range(n))
    column = Column(np.arange(n), np.full(n, np.nan), np.arange(n, dtype=np.int32), texts)
    times = np.full(n, NOW)
    tape = build(np.arange(n), times, None, np.zeros(n, np.int32), ("A",), traits={"it": column})
    rule = parse({"trait": "it", "ends_with": "7"})
    rows = np.array([17, 18, 27, 17])
    assert evaluate(rule, Cohort((tape,), rows, times[rows])).tolist() == [True, False, True, True]
    assert evaluate(rule, Cohort((tape,), np.arange(n), times)).sum() == n / 10
    assert evaluate(rule, Cohort((tape,), rows, times[rows])).tolist() == [True, False, True, True]
    some = take(tape, np.array([17, 18]))
    assert evaluate(rule, Cohort((some,), np.arange(2), times[:2])).tolist() == [True, False]


def test_a_bucket_holds_its_share_and_the_same_customers_always() -> None:
    everyone = np.arange(1, 100_001)
    tape = empty(everyone)
    rows, now = np.arange(len(everyone)), np.zeros(len(everyone), np.int64)
    tenth = evaluate(parse({"bucket": {"below": 10}}), Cohort((tape,), rows, now))
    # Of 100,000 draws with chance 0.1 the standard deviation is 95; five of them are next to never.
    assert abs(tenth.sum() - 10_000) < 500
    fifth = evaluate(parse({"bucket": {"below": 20}}), Cohort((tape,), rows, now))
    assert (tenth <= fifth).all(), "who is in a tenth is in a fifth drawn alike"
    other = evaluate(parse({"bucket": {"below": 10, "salt": "other"}}), Cohort((tape,), rows, now))
    assert abs((tenth & other).sum() - 1_000) < 160
    few = evaluate(parse({"bucket": {"below": 10}}), Cohort((empty(everyone[40:50]),), rows[:10], now[:10]))
    assert few.tolist() == tenth[40:50].tolist()


@pytest.mark.parametrize(
    ("happened", "met", "counts"), [(-2, -1, False), (-2, 0, False), (-2, 1, True), (1, 2, True)]
)
def test_since_entry_counts_from_when_we_met_an_event(happened: int, met: int, *, counts: bool) -> None:
    """What a phone held back until after the run had entered is not lost; what was known before is."""
    entered = NOW - 10
    event = Event("Viewed", entered + happened, entered + met, 1)
    batch = cohort([Asked(1, (event,), NOW, since=entered, journey="j", run=1)], (tape_of([(1, event)], 1),))
    assert evaluate(parse({"performed": "Viewed", "since": "entry"}), batch)[0] == counts
    outside = Cohort(batch.tapes, batch.rows, batch.now)
    assert not evaluate(parse({"performed": "Viewed", "since": "entry"}), outside)[0]
