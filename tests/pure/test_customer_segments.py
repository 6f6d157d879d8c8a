"""Segments: membership follows events and time, whatever the steps in which one follows it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.customer.marks import keys
from sojourn.customer.segments import Crossings, Membership, check, follow
from sojourn.errors import Invalid
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Rule
from sojourn.rule.evaluate import evaluate
from sojourn.rule.text import parse
from sojourn.tape.build import build
from sojourn.tape.tape import Column, Tape

DAY = 86_400_000_000
SEGMENTS: dict[str, Rule] = {
    "active": parse({"performed": "A", "within": "2 days"}),
    "busy": parse({"performed": "A", "at_least": 2, "within": "3 days"}),
    "quiet": parse({"not": {"performed": "A", "within": "1 days"}}),
    "few": parse({"performed": "B", "at_most": 1, "within": "2 days"}),
    "pro": parse({"trait": "plan", "is": "pro"}),
    "fresh": parse({"trait": "since", "within_last": "2 days"}),
    "both": parse({"all": [{"in_segment": "active"}, {"not": {"in_segment": "busy"}}]}),
    "either": parse({"any": [{"in_segment": "both"}, {"in_segment": "pro"}]}),
    "half": parse({"bucket": {"below": 50}}),
}
CUSTOMERS = np.array([1, 2, 3])

happening = st.tuples(
    st.sampled_from([1, 2, 3]),
    st.integers(0, 40).map(lambda quarter: quarter * DAY // 4),
    st.integers(0, 4).map(lambda quarter: quarter * DAY // 4),
    st.sampled_from(["A", "B"]),
    st.sampled_from([None, "pro", "free", 0.0, 2.0 * DAY / 1e6]),
)
histories = st.lists(happening, max_size=12)


def tape_of(history: list[tuple[int, int, int, str, object]]) -> Tape:
    who = np.array([one[0] for one in history], np.int64)
    received = np.array([one[1] for one in history], np.int64)
    late = np.array([one[2] for one in history], np.int64)
    plans = [i for i, one in enumerate(history) if isinstance(one[4], str)]
    texts = tuple(dict.fromkeys(str(history[i][4]) for i in plans))
    since = [i for i, one in enumerate(history) if isinstance(one[4], float)]
    return build(
        who,
        received - late,
        received,
        np.array([one[3] == "B" for one in history], np.int32),
        ("A", "B"),
        traits={
            "plan": Column(
                np.array(plans, np.int64),
                np.full(len(plans), np.nan),
                np.array([texts.index(str(history[i][4])) for i in plans], np.int32),
                texts,
            ),
            "since": Column(
                np.array(since, np.int64),
                np.array([float(str(history[i][4])) for i in since]),
                np.full(len(since), -1, np.int32),
                (),
            ),
        },
        everyone=CUSTOMERS,
    )


def cohort_of(tape: Tape, now: int, rows: tuple[int, ...] = (0, 1, 2)) -> Cohort:
    return Cohort((tape,), np.array(rows, np.int64), np.full(len(rows), now), SEGMENTS)


def in_steps(
    rule: Rule, tape: Tape, steps: list[int], period: int = 1
) -> tuple[Membership, list[tuple[int, int, bool]]]:
    membership = Membership.starting(np.zeros(3, np.int64))
    crossed: list[tuple[int, int, bool]] = []
    for now in steps:
        membership, crossings = follow(rule, cohort_of(tape, now), membership, period)
        crossed += listed(crossings)
    return membership, sorted(crossed)


def listed(crossings: Crossings) -> list[tuple[int, int, bool]]:
    return list(
        zip(crossings.rows.tolist(), crossings.instants.tolist(), crossings.entered.tolist(), strict=True)
    )


@given(
    history=histories,
    name=st.sampled_from(sorted(SEGMENTS)),
    steps=st.lists(st.integers(0, 15 * 8).map(lambda eighth: eighth * DAY // 8), max_size=6),
    period=st.sampled_from([1, 60_000_000, DAY // 3]),
)
def test_following_in_any_steps_is_asking_at_the_end(
    history: list[tuple[int, int, int, str, object]], name: str, steps: list[int], period: int
) -> None:
    tape, rule, end = tape_of(history), SEGMENTS[name], 17 * DAY
    once, crossed = in_steps(rule, tape, [end], period)
    often, crossed_in_steps = in_steps(rule, tape, [*sorted(steps), end], period)
    assert crossed == crossed_in_steps
    assert once.members.tolist() == often.members.tolist() == evaluate(rule, cohort_of(tape, end)).tolist()
    assert once.due.tolist() == often.due.tolist()
    assert (once.due > end).all()


@given(history=histories, name=st.sampled_from(sorted(SEGMENTS)), probe=st.integers(0, 15 * DAY))
def test_between_its_crossings_membership_is_what_the_rule_says(
    history: list[tuple[int, int, int, str, object]], name: str, probe: int
) -> None:
    tape, rule = tape_of(history), SEGMENTS[name]
    _, crossed = in_steps(rule, tape, [16 * DAY])
    for row in range(3):
        mine = [entered for who, instant, entered in crossed if who == row and instant <= probe]
        assert all(one != other for one, other in pairwise(mine))
        member = bool(evaluate(rule, cohort_of(tape, probe, (row,)))[0])
        assert member == (mine[-1] if mine else False)


def test_leaving_comes_by_itself_at_the_exact_instant() -> None:
    tape = tape_of([(2, 3 * DAY, 0, "A", None)])
    membership, crossed = in_steps(SEGMENTS["active"], tape, [20 * DAY])
    assert crossed == [(1, 3 * DAY, True), (1, 5 * DAY + 1, False)]
    assert not membership.members.any()


def test_time_is_looked_at_once_a_period_at_a_phase_of_ones_own() -> None:
    tape = tape_of([(2, 3 * DAY, 0, "A", None), (3, 3 * DAY, 0, "A", None)])
    _, crossed = in_steps(SEGMENTS["active"], tape, [20 * DAY], DAY)
    left = [(row, instant - 5 * DAY) for row, instant, entered in crossed if not entered]
    assert left == [(1, 2 * DAY // 64), (2, 3 * DAY // 64)]


def test_customers_are_followed_each_to_an_instant_of_their_own() -> None:
    tape = tape_of([(1, DAY, 0, "A", None), (2, DAY, 0, "A", None)])
    now = np.array([2 * DAY, 9 * DAY])
    cohort = Cohort((tape,), np.array([0, 1]), now, SEGMENTS)
    membership, crossings = follow(SEGMENTS["active"], cohort, Membership.starting(np.zeros(2, np.int64)))
    assert membership.members.tolist() == [True, False]
    assert membership.seen.tolist() == now.tolist()
    assert listed(crossings) == [(0, DAY, True), (1, DAY, True), (1, 3 * DAY + 1, False)]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = tape_of([(who, i * DAY // 3, 0, "A", None) for who in (1, 2, 3) for i in range(9)])
    whole = in_steps(SEGMENTS["busy"], tape, [16 * DAY])[1]
    monkeypatch.setattr("sojourn.customer.segments.MOST_ASKED", 5)
    assert in_steps(SEGMENTS["busy"], tape, [16 * DAY])[1] == whole
    assert whole


def test_nobody_is_followed_nowhere() -> None:
    empty = Cohort((tape_of([]),), np.empty(0, np.int64), np.empty(0, np.int64), SEGMENTS)
    membership, crossings = follow(SEGMENTS["busy"], empty, Membership.starting(np.empty(0, np.int64)))
    assert len(membership.members) == len(crossings.rows) == 0


def test_marks_have_keys_that_stay_the_same() -> None:
    instants, entered = np.array([DAY, DAY, 2 * DAY]), np.array([True, False, True])
    made = keys("active", CUSTOMERS, instants, entered)
    assert np.array_equal(made[1:], keys("active", CUSTOMERS[1:], instants[1:], entered[1:]))
    assert len({*made.tolist(), *keys("pro", CUSTOMERS, instants, entered).tolist()}) == 6


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ({"a": {"in_segment": "b"}, "b": {"in_segment": "a"}}, "lead back"),
        ({"a": {"in_segment": "nowhere"}}, "no segment 'nowhere'"),
        ({"a": {"clicked": "hello"}}, "cannot ask about a run"),
        ({"a": {"performed": "Segment Entered"}}, "by in_segment"),
    ],
)
def test_segments_that_cannot_be_are_refused_with_their_place(
    segments: dict[str, object], message: str
) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        check({name: parse(rule) for name, rule in segments.items()})
    assert refused.value.place == "a"
    check(SEGMENTS)
