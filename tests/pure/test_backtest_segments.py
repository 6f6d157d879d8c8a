"""Backtests of drafts that start from segments, scores or stages: as if these had always been followed."""

from __future__ import annotations

import numpy as np
import pytest

from sojourn.customer import lifecycle, scores
from sojourn.customer.marks import SEGMENT_ENTERED
from sojourn.customer.references import Definitions
from sojourn.journey.text import read_journey
from sojourn.rule.definition import Rule
from sojourn.rule.text import parse
from sojourn.runtime.backtest import Question, backtest
from sojourn.runtime.belonging.history import heard
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.build import build, merge
from sojourn.tape.tape import Column, Tape

DAY = 86_400_000_000
BEGIN = 20_000 * DAY
SEGMENTS: dict[str, Rule] = {
    "keen": parse({"performed": "Logged In", "at_least": 2, "within": "3 days"}),
    "old": parse({"performed": "Logged In", "at_least": 9}),
}
DRAFT = """
journey: back
enter: [{segment_entered: keen, again: after leaving}]
steps:
  pause: {wait: 1 day}
  check: {branch: [{if: {in_segment: keen}, then: yes}], otherwise: no}
  "yes": {leave: still keen}
  "no": {leave: cooled}
"""
LOGINS = {1: (1, 2, 20, 21), 2: (1, 9, 17), 3: (5, 5, 6)}


def history() -> Tape:
    pairs = [(customer, day) for customer, days in LOGINS.items() for day in days]
    who, when = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    met = BEGIN + when * DAY
    return build(who, met, met, np.zeros(len(who), np.int32), ("Logged In",), keys=np.arange(1, len(who) + 1))


def recorded(segment: str) -> Tape:
    """A mark of everybody, at an instant at which the rule says nothing of the kind."""
    who, met = np.array([1, 2, 3]), BEGIN + np.array([15, 15, 15]) * DAY
    texts = Column.of(np.arange(3), [segment] * 3)
    names = np.zeros(3, np.int32)
    return build(who, met, met, names, (SEGMENT_ENTERED,), keys=who + 1000, properties={"segment": texts})


def answer(tape: Tape) -> tuple[int, dict[str, int]]:
    catalogue = Catalogue(segments=SEGMENTS)
    found = backtest(read_journey(DRAFT), tape, catalogue, Question(until=BEGIN + 40 * DAY))
    return found.entered, dict(found.left)


def test_customers_enter_a_draft_whenever_they_would_have_entered_the_segment() -> None:
    # Customer 1 at days 2 and 21, customer 3 at day 5; nobody logs in on the third day after that.
    assert answer(history()) == (3, {"still keen": 3})


def test_recorded_marks_of_the_segment_do_not_count_and_those_of_others_are_left_alone() -> None:
    assert answer(merge(history(), recorded("keen"))) == answer(history())
    assert answer(merge(history(), recorded("old"))) == answer(history())


def test_only_segments_that_the_journey_hears_are_followed() -> None:
    named = read_journey(DRAFT)
    left = read_journey(DRAFT.replace("segment_entered: keen", "event: Segment Left"))
    asks = read_journey(DRAFT.replace("in_segment: keen", "performed: Segment Left"))
    none = read_journey(DRAFT.replace("segment_entered: keen", "event: Logged In"))
    assert [
        {track.name for track in heard(one, Definitions(SEGMENTS))} for one in (named, left, asks, none)
    ] == [
        {"keen"},
        {"keen", "old"},
        {"keen", "old"},
        set(),
    ]


POINTS = [{"event": "Logged In", "points": 9}]
STANDING = Definitions(
    {"ripe": parse({"lifecycle": "hot"}), "old": SEGMENTS["old"]},
    {"heat": scores.parse({"score": "heat", "half_life": "1 day", "points": POINTS})},
    lifecycle.parse({"lifecycle": ["cold", {"hot": {"if": {"score": "heat", "at_least": 10}}}]}),
)
STARTS = {
    "segment_entered: ripe": {("segment", "ripe", 0.0), ("stage", "hot", 0.0)},
    "event: Lifecycle Changed, where: {to: hot}": {("stage", "hot", 0.0)},
    "event: Score Changed, where: {score: heat, threshold: 12}": {("score", "heat", 12.0)},
    "event: Score Changed, where: {value: {between: [3, 4]}}": {
        ("score", "heat", 3.0),
        ("score", "heat", 4.0),
    },
    "event: Score Changed, where: {score: cold, threshold: 12}": set(),
    "event: Logged In, if: {lifecycle: cold}": {("stage", "hot", 0.0)},
    "event: Logged In, if: {score: heat, above: 3}": set(),
}


def draft_of(start: str, asks: str) -> str:
    return DRAFT.replace("segment_entered: keen", start).replace("in_segment: keen", asks)


@pytest.mark.parametrize("start", STARTS)
def test_only_what_the_journey_hears_of_scores_and_stages_is_followed(start: str) -> None:
    draft = read_journey(draft_of(start, "trait: a, is: b"))
    found = {(track.kind, track.name, track.at) for track in heard(draft, STANDING)}
    assert found == STARTS[start]


def test_stages_and_thresholds_are_as_if_they_had_always_been() -> None:
    """Two logins within a day make 13.5 points or more: customer 1 on days 2 and 21, customer 3 on day 5 and,
    as they come back the next day, still then."""
    catalogue = Catalogue(segments=STANDING.named, stages=STANDING.stages)
    marks = Column.of(np.arange(3), ["cold"] * 3)
    who, names = np.array([1, 2, 3]), np.zeros(3, np.int32)
    met = BEGIN + np.array([15, 15, 15]) * DAY
    told = build(who, met, met, names, ("Lifecycle Changed",), keys=who + 1000, properties={"to": marks})
    stages, rising = (
        "Lifecycle Changed, where: {to: hot}",
        "Score Changed, where: {threshold: 10, rising: true}",
    )
    for start in (stages, rising):
        draft = read_journey(draft_of(f"event: {start}", "lifecycle: hot"))
        for tape in (history(), merge(history(), told)):
            found = backtest(draft, tape, catalogue, Question(until=BEGIN + 40 * DAY))
            assert (found.entered, dict(found.left)) == (3, {"still keen": 1, "cooled": 2})
