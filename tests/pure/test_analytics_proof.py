"""Lift and return on investment against plain readings of what they mean, on small made-up worlds."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof_worlds import BOUGHT, DAY, Told, world

from sojourn.analytics.metrics.lift import LiftQuestion, lift
from sojourn.analytics.metrics.roi import Cost, RoiQuestion, roi
from sojourn.analytics.outcome import Money
from sojourn.errors import Invalid
from sojourn.tape.build import empty
from sojourn.tape.tape import Tape


@dataclass
class Person:
    """One customer, read event by event."""

    entries: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    paid: list[tuple[int, float]] = field(default_factory=list)
    bought: list[int] = field(default_factory=list)
    seen: int = 0

    @property
    def arm(self) -> str:
        outside, held = self.left.count("global holdout"), self.left.count("holdout")
        if outside or not self.entries:
            return "none"
        return "treated" if not held else "held" if held == len(self.entries) else "mixed"


def people(tape: Tape, journey: str, currency: str) -> list[Person]:
    """What the tape holds, by a loop over each customer's events."""
    carried: dict[str, dict[int, object]] = {}
    for key in ("journey", "reason", "revenue", "total", "currency"):
        column = tape.properties[key]
        values = [column.texts[c] if c >= 0 else n for c, n in zip(column.codes, column.numbers, strict=True)]
        carried[key] = dict(zip(column.positions.tolist(), values, strict=True))
    found = []
    for low, high in pairwise(tape.starts.tolist()):
        person = Person(seen=int(tape.received[low]) if low < high else 0)
        for at in range(low, high):
            name, time = tape.vocabulary[tape.names[at]], int(tape.received[at])
            ours = carried["journey"].get(at) == journey
            if name == "Journey Entered" and ours:
                person.entries.append(time)
            if name == "Journey Left" and ours:
                person.left.append(str(carried["reason"][at]))
            if name == "Order Completed":
                person.bought.append(time)
                amount = carried["revenue"].get(at, carried["total"].get(at, 0.0))
                if not currency or carried["currency"].get(at, currency) == currency:
                    person.paid.append((time, float(str(amount))))
        found.append(person)
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 60), st.integers(40, 100))
def test_a_lift_counts_whom_a_plain_reading_counts(seed: int, within: int, since: int, as_of: int) -> None:
    tape = world(seed).tape()
    who = [one for one in people(tape, "welcome", "") if one.entries and one.entries[0] >= since * DAY]
    asked = LiftQuestion(
        journey="welcome", holdout=0.5, goal=BOUGHT, within=within * DAY, since=since * DAY, as_of=as_of * DAY
    )
    found = lift(tape, asked)
    assert found.mixed == sum(one.arm == "mixed" for one in who)
    for group, arm in ((found.treated, "treated"), (found.holdout, "held")):
        those = [one for one in who if one.arm == arm]
        closed = [one for one in those if one.entries[0] + within * DAY <= as_of * DAY]
        done = [
            any(one.entries[0] < time <= one.entries[0] + within * DAY for time in one.bought)
            for one in closed
        ]
        assert (group.entered, group.count) == (len(those), len(closed))
        if found.verdict != "refused":
            assert group.reached == sum(done)
            assert group.mean == (sum(done) / len(done) if done else None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from(["", "EUR"]))
def test_money_is_summed_as_a_plain_reading_sums_it(seed: int, within: int, currency: str) -> None:
    tape, money = world(seed).tape(), Money(currency=currency)
    asked = LiftQuestion(journey="welcome", holdout=0.5, money=money, within=within * DAY, as_of=200 * DAY)
    found = lift(tape, asked)
    who = people(tape, "welcome", currency)
    totals, both = [], []
    for group, arm in ((found.treated, "treated"), (found.holdout, "held")):
        sums = [
            sum(paid for time, paid in one.paid if one.entries[0] < time <= one.entries[0] + within * DAY)
            for one in who
            if one.arm == arm
        ]
        both += sums
        totals.append((group, sums))
    if found.verdict == "refused":
        return
    for group, sums in totals:
        assert group.reached == sum(one > 0 for one in sums)
    if not found.explained:
        for group, sums in totals:
            assert group.mean == (pytest.approx(np.mean(sums)) if sums else None)
    shown = sum((group.mean or 0) * group.count for group, _ in totals)
    assert shown == pytest.approx(sum(both)), "what is taken out of some is put upon others"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 50), st.integers(20, 100))
def test_roi_counts_each_payment_once(seed: int, within: int, begins: int, ends: int) -> None:
    tape = world(seed).tape()
    asked = RoiQuestion(
        journey="welcome",
        costs=(Cost("email", 0, 100 * DAY, 500.0, "EUR"), Cost("sms", 10 * DAY, 20 * DAY, 70.0, "eur")),
        margin=0.5,
        within=within * DAY,
        begins=begins * DAY,
        ends=ends * DAY,
        as_of=120 * DAY,
    )
    found = roi(tape, asked)
    end = min(ends, 120 - within)
    customers, revenue = 0, 0.0
    for one in people(tape, "welcome", "EUR"):
        entries = [time for time in one.entries if begins * DAY <= time < end * DAY]
        if one.arm == "treated" and entries:
            customers += 1
            revenue += sum(
                paid
                for time, paid in one.paid
                if any(entry < time <= entry + within * DAY for entry in entries)
            )
    assert (found.customers, found.currency) == (customers, "EUR")
    assert found.revenue == pytest.approx(revenue)
    cost = 5.0 * max(0, end - begins) + 7.0 * max(0, min(20, end) - max(10, begins))
    assert found.cost == pytest.approx(cost)
    assert found.roi == (pytest.approx((revenue / 2 - cost) / cost) if cost else None)


def proven(
    treated: int, held: int, reached: tuple[int, int], share: float = 0.1, amount: float = 50.0
) -> Told:
    """A journey in which so many of each arm buy."""
    told = Told()
    for customer in range(1, treated + held + 1):
        side = customer > treated
        told.enters(customer, customer, held="holdout" if side else "")
        bought = customer - treated <= reached[1] if side else customer <= reached[0]
        if bought:
            told.say(customer, customer + DAY, "Order Completed", total=amount + customer % 7)
    return told


ASKED = LiftQuestion(journey="welcome", holdout=0.1, goal=BOUGHT, within=7 * DAY, as_of=30 * DAY)


def test_a_journey_that_does_good_is_told_from_one_that_does_not() -> None:
    good = lift(proven(1_800, 200, (540, 30)).tape(), ASKED)
    assert good.verdict == "more"
    assert good.difference
    assert good.relative
    assert good.difference.low > 0
    assert good.difference.value == pytest.approx(0.15)
    assert good.relative.value == pytest.approx(1.0)
    assert good.treated.low is not None
    assert 0.27 < good.treated.low < 0.3
    none = lift(proven(1_800, 200, (270, 30)).tape(), ASKED)
    assert none.verdict == "too early to say"
    assert none.difference
    assert none.difference.low < 0 < none.difference.high
    assert lift(proven(1_800, 200, (300, 150)).tape(), ASKED).verdict == "less"


def test_before_the_time_is_up_it_is_too_early_to_say() -> None:
    tape = proven(1_800, 200, (540, 30)).tape()
    early = lift(
        tape, LiftQuestion(journey="welcome", holdout=0.1, goal=BOUGHT, within=7 * DAY, as_of=2 * DAY)
    )
    assert (early.verdict, early.difference) == ("too early to say", None)
    assert (early.treated.entered, early.treated.count, early.treated.mean) == (1_800, 0, None)
    assert "0 customers" in early.why


def test_a_draw_that_went_wrong_is_refused_without_a_number() -> None:
    found = lift(proven(1_800, 330, (540, 30)).tape(), ASKED)
    assert found.verdict == "refused"
    assert "the holdout has 330 of 2,130 customers (15.5%) instead of 10.0%" in found.why
    assert (found.difference, found.treated.mean, found.holdout.reached) == (None, None, None)


def test_what_the_journey_caused_is_its_return() -> None:
    tape = proven(1_800, 200, (540, 30)).tape()
    costs = (Cost("email", 0, DAY, 2_000.0, "EUR"),)
    found = roi(
        tape, RoiQuestion(journey="welcome", costs=costs, within=7 * DAY, as_of=30 * DAY, holdout=0.1)
    )
    assert found.lift
    assert found.lift.difference
    assert found.incremental
    assert found.incremental_roi
    assert found.incremental.value == pytest.approx(1_800 * found.lift.difference.value)
    assert found.incremental_roi.value == pytest.approx((found.incremental.value - 2_000) / 2_000)
    assert found.incremental_roi.low < found.incremental_roi.value < found.incremental_roi.high
    assert found.roi
    assert found.roi > found.incremental_roi.value, "half of what they spent they would have spent anyway"
    alone = roi(tape, RoiQuestion(journey="welcome", costs=(), within=7 * DAY, as_of=30 * DAY))
    assert (alone.roi, alone.incremental, alone.cost) == (None, None, 0)


def test_the_global_holdout_is_compared_over_all_journeys() -> None:
    told = Told()
    for customer in range(1, 2_001):
        out = customer > 1_900
        for journey in ("welcome", "other"):
            own = "holdout" if customer % 10 == 0 else ""
            told.enters(customer, customer, journey, "global holdout" if out else own)
        if (customer % 2 and not out) or (out and customer % 10 < 2):
            told.say(customer, customer + DAY, "Order Completed")
    tape = told.tape()
    overall = lift(tape, LiftQuestion(holdout=0.05, goal=BOUGHT, within=7 * DAY, as_of=30 * DAY))
    assert (overall.treated.entered, overall.holdout.entered, overall.verdict) == (1_900, 100, "more")
    one = lift(tape, ASKED)
    assert (one.treated.entered, one.holdout.entered) == (1_710, 190), "of one journey they are in no arm"


def test_a_goal_that_is_no_event_is_asked_whenever_it_may_change() -> None:
    told = proven(300, 40, (100, 20))
    twice = {"performed": "Order Completed", "exactly": 1, "since": "entry"}
    for customer in range(1, 51):
        told.say(customer, customer + 2 * DAY, "Order Completed", total=1.0)
    asked = LiftQuestion(journey="welcome", holdout=0.1, goal=twice, within=7 * DAY, as_of=30 * DAY)
    assert lift(told.tape(), asked).treated.reached == 100, "it held once, though not at the end"
    within_segment = {"in_segment": "buyers"}
    segments = {"buyers": {"performed": "Order Completed"}}
    asked = LiftQuestion(
        journey="welcome", holdout=0.1, goal=within_segment, segments=segments, within=7 * DAY, as_of=30 * DAY
    )
    assert lift(told.tape(), asked).treated.reached == 100


def test_of_nobody_nothing_is_told() -> None:
    for tape in (empty(), empty(np.arange(5)), Told().tape(range(3))):
        found = lift(tape, ASKED)
        assert (found.verdict, found.treated.entered, found.mixed) == ("too early to say", 0, 0)
        assert roi(tape, RoiQuestion(journey="welcome", costs=())).customers == 0


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"holdout": 0.0}, "holdout"),
        ({"holdout": 1.0}, "holdout"),
        ({"goal": None}, "goal"),
        ({"money": Money()}, "goal"),
        ({"alpha": 0.0}, "alpha"),
        ({"within": 0}, "within"),
        ({"goal": {"perfomed": "x"}}, "goal.perfomed"),
    ],
)
def test_a_question_that_is_none_names_its_place(wrong: dict[str, object], place: str) -> None:
    given_ = {"journey": "welcome", "holdout": 0.1, "goal": BOUGHT} | wrong
    with pytest.raises(Invalid) as refused:
        lift(empty(), LiftQuestion(**given_))  # type: ignore[arg-type]
    assert refused.value.place == place


@pytest.mark.parametrize(
    ("costs", "margin", "place"),
    [
        ((Cost("a", 0, 1, 1.0, "EUR"), Cost("a", 0, 1, 1.0, "USD")), 1.0, "costs"),
        ((Cost("a", 1, 1, 1.0, "EUR"),), 1.0, "costs[0]"),
        ((), 0.0, "margin"),
    ],
)
def test_a_reckoning_that_cannot_be_made_is_refused(
    costs: tuple[Cost, ...], margin: float, place: str
) -> None:
    with pytest.raises(Invalid) as refused:
        roi(empty(), RoiQuestion(journey="welcome", costs=costs, margin=margin))
    assert refused.value.place == place
