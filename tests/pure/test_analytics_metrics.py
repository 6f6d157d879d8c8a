"""Funnels, retention and paths against plain readings of their definitions, on small random tapes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import combinations, pairwise
from typing import Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.analytics.metric import all_metrics
from sojourn.analytics.metrics.funnel import FunnelQuestion, funnel
from sojourn.analytics.metrics.paths import PathsQuestion, paths
from sojourn.analytics.metrics.retention import Period, RetentionQuestion, retention
from sojourn.errors import Invalid
from sojourn.tape.build import build, empty
from sojourn.tape.kernels import transitions
from sojourn.tape.tape import Tape

NAMES = "abc"
DAY = 86_400_000_000
Order = Literal["ordered", "strict", "any"]
Told = list[tuple[int, str]]  # one customer's events as they happened: time and name


def tapes(span: int = 9, unit: int = 1) -> st.SearchStrategy[Tape]:
    return st.builds(dense_tape, st.integers(0, 2**32), st.integers(0, 20), st.just(span), st.just(unit))


def dense_tape(seed: int, customers: int, span: int, unit: int) -> Tape:
    """Many customers with up to 9 events around 1970, some met late, many at one time.

    Drawn from a seed: what Hypothesis draws by itself is too sparse to meet the edges of windows.
    """
    dice = np.random.default_rng(seed)
    owners = np.repeat(np.arange(1, customers + 1), dice.integers(0, 10, customers))
    times = dice.integers(-3, span, len(owners))
    received = times + dice.integers(0, 9, len(owners)) * int(dice.integers(0, 2))
    names = dice.integers(0, len(NAMES), len(owners)).astype(np.int32)
    everyone = np.arange(customers + 1)
    return build(owners, times * unit, received * unit, names, tuple(NAMES), everyone=everyone)


def told(tape: Tape) -> list[Told]:
    customers = pairwise(tape.starts.tolist())
    ordered = [sorted((int(tape.times[i]), i) for i in range(low, high)) for low, high in customers]
    return [[(time, tape.vocabulary[tape.names[i]]) for time, i in events] for events in ordered]


def depth(events: Told, question: FunnelQuestion) -> int:
    """The longest beginning of the steps that some choice of events makes: all choices are tried."""
    wanted = question.steps
    if question.order == "any":
        return most_in_any_order(events, question)
    entries = [i for i, (_, name) in enumerate(events) if name == wanted[0]]
    if question.entry == "first":
        entries = entries[:1]
    for length in range(len(wanted), 0, -1):
        for chosen in combinations(range(len(events)), length):
            named = [events[i][1] for i in chosen] == list(wanted[:length])
            if not named or chosen[0] not in entries:
                continue
            apart = events[chosen[-1]][0] - events[chosen[0]][0]
            adjacent = chosen[-1] - chosen[0] == length - 1
            if apart <= limit(question) and (adjacent or question.order == "ordered"):
                return length
    return 0


def most_in_any_order(events: Told, question: FunnelQuestion) -> int:
    begins = [time for time, name in events if name in question.steps]
    if question.entry == "first":
        begins = begins[:1]
    return max((made_from(begin, events, question) for begin in begins), default=0)


def made_from(begin: int, events: Told, question: FunnelQuestion) -> int:
    made = Counter(name for time, name in events if begin <= time <= begin + limit(question))
    return sum((made & Counter(question.steps)).values())


def limit(question: FunnelQuestion) -> int:
    return 10**9 if question.within is None else question.within


@pytest.mark.parametrize("entry", ["first", "best"])
@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
@given(
    tape=tapes(),
    steps=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple),
    within=st.sampled_from([None, 0, 1, 2, 3, 4, 5]),
)
def test_funnel(
    tape: Tape, steps: tuple[str, ...], order: Order, entry: Literal["first", "best"], within: int | None
) -> None:
    question = FunnelQuestion(steps=steps, order=order, entry=entry, within=within)
    depths = [depth(events, question) for events in told(tape)]
    answer = funnel(tape, question)
    assert [step.count for step in answer.steps] == [
        sum(reached > step for reached in depths) for step in range(len(steps))
    ]
    assert tuple(step.name for step in answer.steps) == steps


def begin_of(period: Period, time: int) -> dt.date:
    day = dt.date(1970, 1, 1) + dt.timedelta(days=time // DAY)
    back = {"day": 0, "week": day.weekday(), "month": day.day - 1}
    return day - dt.timedelta(days=back[period])


def plain_retention(tape: Tape, question: RetentionQuestion) -> dict[str, tuple[int, Counter[str]]]:
    """By cohort its size and how many came back in each later period, told by its first date."""
    cohorts: dict[str, tuple[int, Counter[str]]] = {}
    for events in told(tape):
        begun = [i for i, (_, name) in enumerate(events) if name == question.start]
        if begun:
            start = str(begin_of(question.period, events[begun[0]][0]))
            back = {
                str(begin_of(question.period, time))
                for time, name in events[begun[0] :]
                if name == question.returning
            }
            size, returned = cohorts.get(start, (0, Counter()))
            cohorts[start] = (size + 1, returned + Counter(back))
    return cohorts


@given(tapes(40, DAY), st.sampled_from(["day", "week", "month"]), st.sampled_from([("a", "b"), ("a", "a")]))
def test_retention_on(tape: Tape, period: Period, names: tuple[str, str]) -> None:
    question = RetentionQuestion(start=names[0], returning=names[1], period=period)
    expected = plain_retention(tape, question)
    answer = retention(tape, question)
    days = range(int(tape.times.min() // DAY), int(tape.times.max() // DAY) + 1) if len(tape) else range(0)
    dates = sorted({str(begin_of(period, day * DAY)) for day in days})
    assert [cohort.start for cohort in answer.cohorts] == sorted(expected)
    for cohort in answer.cohorts:
        size, returned = expected[cohort.start]
        assert cohort.size == size
        assert cohort.returned == tuple(returned[date] for date in dates[dates.index(cohort.start) :])


@given(tapes(40, DAY), st.sampled_from(["day", "week", "month"]))
def test_retention_on_or_after_counts_who_ever_comes_back_again(tape: Tape, period: Period) -> None:
    question = RetentionQuestion(start="a", returning="b", period=period, mode="on_or_after")
    on = retention(tape, msgspec.structs.replace(question, mode="on"))
    ever = retention(tape, question)
    assert [(cohort.start, cohort.size) for cohort in ever.cohorts] == [
        (cohort.start, cohort.size) for cohort in on.cohorts
    ]
    for one, other in zip(on.cohorts, ever.cohorts, strict=True):
        assert list(other.returned) == sorted(other.returned, reverse=True)
        assert all(
            exact <= later <= one.size for exact, later in zip(one.returned, other.returned, strict=True)
        )
        assert other.returned[-1] == one.returned[-1]
    came = sum(bool(after_start(events)) for events in told(tape))
    assert sum(cohort.returned[0] for cohort in ever.cohorts) == came


def after_start(events: Told) -> list[str]:
    names = [name for _, name in events]
    return [name for name in names[names.index("a") :] if name == "b"] if "a" in names else []


@given(tapes(), st.booleans())
def test_paths(tape: Tape, many_names: bool) -> None:
    expected = Counter(pair for events in told(tape) for pair in pairwise(name for _, name in events))
    with pytest.MonkeyPatch.context() as patch:
        if many_names:
            patch.setattr(transitions, "_DENSE", 0)
        answer = paths(tape, PathsQuestion())
    assert {(edge.source, edge.target): edge.count for edge in answer.edges} == expected
    assert [edge.count for edge in answer.edges] == sorted(
        (edge.count for edge in answer.edges), reverse=True
    )


def test_a_name_that_was_never_seen_is_an_error_that_names_close_ones() -> None:
    tape = build(np.array([1]), np.array([1]), None, np.array([0], np.int32), ("Order Completed",))
    with pytest.raises(Invalid, match="did you mean 'Order Completed'") as caught:
        funnel(tape, FunnelQuestion(steps=("Order Completed", "Order Complete")))
    assert caught.value.place == "steps[1]"
    with pytest.raises(Invalid, match=r"no event named 'xyz' was ever seen$"):
        retention(tape, RetentionQuestion(start="xyz", returning="Order Completed"))


def test_a_funnel_without_steps_is_an_error() -> None:
    with pytest.raises(Invalid, match="1 to 62 steps, not 0"):
        funnel(empty(), FunnelQuestion(steps=()))


def test_days_over_many_years_are_an_error_not_a_full_memory() -> None:
    times = np.array([0, 5_000 * DAY])
    tape = build(np.array([1, 1]), times, None, np.zeros(2, np.int32), ("a",))
    with pytest.raises(Invalid, match="5,001 periods"):
        retention(tape, RetentionQuestion(start="a", returning="a", period="day"))
    assert len(retention(tape, RetentionQuestion(start="a", returning="a", period="month")).cohorts) == 1


def test_metrics_are_found_by_declaration_and_speak_json() -> None:
    assert list(all_metrics()) == ["funnel", "lift", "paths", "retention", "roi", "variants"]
    question = msgspec.json.decode(
        b'{"metric": "retention", "start": "a", "return": "b", "period": "day"}', type=RetentionQuestion
    )
    assert question == RetentionQuestion(start="a", returning="b", period="day")
    tape = build(np.array([1, 1]), np.array([0, 1]), None, np.array([0, 1], np.int32), ("a", "b"))
    assert msgspec.to_builtins(paths(tape)) == {"edges": ({"from": "a", "to": "b", "count": 1},)}
