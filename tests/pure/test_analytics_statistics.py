"""What is said of numbers: false alarms are as rare as promised however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.analytics.statistics.arm import FEWEST, FEWEST_EITHER, Arm
from sojourn.analytics.statistics.compare import ALPHA, against, contrast, decided
from sojourn.analytics.statistics.cuped import adjusted
from sojourn.analytics.statistics.sample_ratio import beyond, chance, complaint
from sojourn.analytics.statistics.sequence import EXPECTED, stretch
from sojourn.analytics.statistics.wilson import wilson
from sojourn.tape.tape import Bools, Floats

EXPERIMENTS, LOOKS = 1_000, 2_000
STRETCHES = np.array([stretch(t, ALPHA) for t in range(1, LOOKS + 1)])
VALUES = st.lists(st.floats(0, 1e4), min_size=FEWEST, max_size=80).map(np.array)
COUNTS = st.tuples(st.integers(30, 5_000), st.floats(0, 1)).map(lambda two: (two[0], int(two[0] * two[1])))


class Looked:
    """Experiments without any effect, looked at after every customer: each row one experiment."""

    def __init__(self, values: Floats, held: Bools, of_goal: bool) -> None:
        self.values, self.held, self.of_goal = values, held, of_goal
        arms = [self._running(~held), self._running(held)]
        ready = np.ones(values.shape, np.bool_)
        for count, _, _, done in arms:
            ready &= (count >= FEWEST) & (done >= FEWEST_EITHER)
            ready &= (count - done >= FEWEST_EITHER) | (not of_goal)
        _, _, both, _ = self._running(np.ones_like(held))
        with np.errstate(invalid="ignore", divide="ignore"):
            least = 0.0 if of_goal else both
            errors = sum(np.maximum(variance, least) / count for count, _, variance, _ in arms)
            by_its_own = sum(variance / count for count, _, variance, _ in arms)
            difference = np.where(ready, np.abs(arms[0][1] - arms[1][1]), 0.0)
            self.away, self.away_by_its_own = difference / np.sqrt(errors), difference / np.sqrt(by_its_own)

    def _running(self, side: Bools) -> tuple[Floats, Floats, Floats, Floats]:
        """Count, mean, variance and how many are above 0, of the customers so far."""
        taken = self.values * side
        count, total = np.cumsum(side, 1, dtype=np.float64), np.cumsum(taken, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
            variance = np.maximum(np.cumsum(taken**2, 1) - count * mean**2, 0) / (count - 1)
        return count, mean, variance, np.cumsum(taken > 0, 1, dtype=np.float64)

    def alarms(self, reach: Floats | float) -> float:
        """The share of the experiments in which some look tells of a difference."""
        return float((self.away > reach).any(axis=1).mean())

    def told(self, experiment: int, look: int) -> bool:
        """The same by `contrast` itself, of the customers up to one look."""
        values, held = self.values[experiment, : look + 1], self.held[experiment, : look + 1]
        sides = [values[~held], values[held]]
        if self.of_goal:
            arms = [Arm.of_counts("arm", len(side), int(side.sum())) for side in sides]
        else:
            arms = [Arm.of_values("arm", side) for side in sides]
        return contrast(arms[0], arms[1]).verdict != "too early to say"


def looked_at(seed: int, share: float, held: float, *, of_goal: bool = True) -> Looked:
    """A share of the customers reaches a goal or, with `of_goal` false, spends; money is skewed as it is."""
    dice = np.random.default_rng(seed)
    shape = EXPERIMENTS, LOOKS
    values = (dice.random(shape) < share).astype(np.float64)
    if not of_goal:
        values *= np.exp(1.5 * dice.standard_normal(shape))
    return Looked(values, dice.random(shape) < held, of_goal)


@pytest.mark.parametrize(("seed", "share", "held"), [(1, 0.05, 0.5), (2, 0.5, 0.1), (3, 0.9, 0.1)])
def test_who_looks_after_every_customer_is_rarely_told_of_what_is_not_there(
    seed: int, share: float, held: float
) -> None:
    found = looked_at(seed, share, held)
    assert found.alarms(STRETCHES) <= ALPHA
    assert found.alarms(1.96) > 2 * ALPHA, "an interval for one look fails here: the test can tell"
    for experiment, look in ((0, 50), (1, 500), (2, LOOKS - 1), (3, 1_000)):
        plain = bool(found.away[experiment, look] > STRETCHES[look])
        assert found.told(experiment, look) == plain


def test_so_it_is_with_money_although_few_spend_most_of_it() -> None:
    found = looked_at(4, 0.1, 0.1, of_goal=False)
    assert found.alarms(STRETCHES) <= ALPHA
    by_its_own = (found.away_by_its_own > STRETCHES).any(axis=1).mean()
    assert by_its_own > ALPHA, "by the variance of a small arm alone it fails: the test can tell"
    worst = np.unravel_index(np.argmax(found.away - STRETCHES), found.away.shape)
    for experiment, look in (worst, (5, LOOKS - 1)):
        plain = bool(found.away[experiment, look] > STRETCHES[look])
        assert found.told(int(experiment), int(look)) == plain


def test_a_true_difference_is_told() -> None:
    dice = np.random.default_rng(5)
    told = [
        contrast(
            Arm.of_counts("more", 4_500, dice.binomial(4_500, 0.16)),
            Arm.of_counts("less", 500, dice.binomial(500, 0.08)),
        ).verdict
        for _ in range(200)
    ]
    assert told.count("more") > 150
    assert "less" not in told


@pytest.mark.parametrize("arms", [2, 4])
def test_of_equal_variants_rarely_one_is_ever_said_to_have_won(arms: int) -> None:
    dice, wrong, experiments = np.random.default_rng(6), 0, 400
    for _ in range(experiments):
        counts, reached = np.zeros(arms, np.int64), np.zeros(arms, np.int64)
        won = None
        for _ in range(40):
            arrived = dice.multinomial(60, np.full(arms, 1 / arms))
            counts, reached = counts + arrived, reached + dice.binomial(arrived, 0.3)
            groups = [Arm.of_counts(str(n), int(counts[n]), int(reached[n])) for n in range(arms)]
            won = won or decided(groups)
        wrong += won is not None
    assert wrong / experiments <= ALPHA


def test_the_better_of_several_variants_wins_and_the_control_is_beaten_by_it_alone() -> None:
    groups = [Arm.of_counts(name, 4_000, done) for name, done in (("a", 400), ("b", 800), ("c", 410))]
    assert decided(groups) == decided(groups[::-1]) == "b"
    assert decided([groups[0], groups[2]]) is None
    assert decided(groups[:1]) is None
    assert decided([*groups, Arm.of_counts("new", 5, 3)]) is None, "an arm that is just new may be better yet"
    control = groups[0]
    assert [one.verdict for one in against(groups[1:], control)] == ["more", "too early to say"]
    alone, beside = contrast(groups[1], control), against(groups[1:], control)[0]
    assert alone.difference and beside.difference
    assert beside.difference.low < alone.difference.low, "with more comparisons each is less sure"


@given(COUNTS, COUNTS)
def test_a_difference_is_the_same_from_both_sides(one: tuple[int, int], other: tuple[int, int]) -> None:
    forth = contrast(Arm.of_counts("one", *one), Arm.of_counts("other", *other))
    back = contrast(Arm.of_counts("other", *other), Arm.of_counts("one", *one))
    assert (forth.difference is None) == (back.difference is None)
    assert {forth.verdict, back.verdict} in ({"more", "less"}, {"too early to say"})
    if forth.difference and back.difference:
        assert forth.difference.value == pytest.approx(-back.difference.value)
        assert (forth.difference.low, forth.difference.high) == pytest.approx(
            (-back.difference.high, -back.difference.low)
        )


@given(VALUES, VALUES, st.floats(0.01, 100), st.integers(0, 2**32))
def test_neither_currency_nor_order_changes_what_is_said(
    one: Floats, other: Floats, rate: float, seed: int
) -> None:
    shuffled = np.random.default_rng(seed).permutation
    plain = contrast(Arm.of_values("one", one), Arm.of_values("other", other))
    changed = contrast(
        Arm.of_values("one", rate * shuffled(one)), Arm.of_values("other", rate * shuffled(other))
    )
    if plain.difference and changed.difference:
        scaled = plain.difference.times(rate)
        size = max(abs(scaled.low), abs(scaled.high), 1e-9)
        assert abs(changed.difference.low - scaled.low) <= 1e-6 * size
        assert abs(changed.difference.high - scaled.high) <= 1e-6 * size


@given(COUNTS, COUNTS)
def test_the_ratio_lies_where_arm_less_ratio_times_control_may_be_zero(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    arm, control = Arm.of_counts("one", *one), Arm.of_counts("other", *other)
    found = contrast(arm, control).relative
    if found is None:
        return
    assert found.low <= found.value <= found.high
    reach = stretch(arm.count + control.count, ALPHA)
    for bound in (found.low + 1, found.high + 1):
        error = math.sqrt(arm.variance / arm.count + bound**2 * control.variance / control.count)
        assert abs(arm.mean - bound * control.mean) == pytest.approx(reach * error, rel=1e-6, abs=1e-9)


@given(st.integers(1, 10**7), st.floats(0.001, 0.2), st.integers(100, 10**6))
def test_the_stretch_is_the_formula(count: int, alpha: float, expected: int) -> None:
    log = -2 * math.log(alpha)
    rho = math.sqrt((log + math.log(log + 1)) / expected)
    t = count * rho**2
    assert stretch(count, alpha, expected) == pytest.approx(
        math.sqrt((t + 1) / t * math.log((t + 1) / alpha**2))
    )
    assert stretch(count, alpha, expected) > stretch(count, alpha * 1.1, expected)


def test_the_interval_is_narrowest_at_the_customers_expected() -> None:
    at = {
        expected: stretch(EXPECTED, ALPHA, expected) for expected in (EXPECTED // 20, EXPECTED, EXPECTED * 20)
    }
    assert min(at, key=at.__getitem__) == EXPECTED
    assert at[EXPECTED] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("freedom", "squares", "expected"),
    [
        (1, 3.841, 0.05),
        (1, 10.828, 0.001),
        (2, 5.991, 0.05),
        (3, 7.815, 0.05),
        (5, 20.515, 0.001),
        (10, 18.307, 0.05),
    ],
)
def test_chi_square_is_that_of_the_tables(freedom: int, squares: float, expected: float) -> None:
    assert beyond(squares, freedom) == pytest.approx(expected, rel=2e-3)
    assert beyond(0, freedom) == pytest.approx(1)
    assert beyond(10_000, freedom) == pytest.approx(0, abs=1e-300)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.4, 0.3, 0.3)])
def test_a_fair_draw_is_rarely_refused_and_a_planted_one_always(shares: tuple[float, ...]) -> None:
    drawn = np.random.default_rng(7).multinomial(4_000, shares, 10_000)
    chances = np.array([chance(counts.tolist(), shares) for counts in drawn])
    assert (chances < 0.001).mean() <= 0.003
    assert (chances < 0.05).mean() == pytest.approx(0.05, abs=0.01), "the chances are evenly spread"


def test_an_uneven_draw_is_refused_with_what_was_seen() -> None:
    drawn = np.random.default_rng(8).binomial(5_000, 0.45, 1_000)
    refused = [complaint(("a", "b"), (int(n), 5_000 - int(n)), (0.5, 0.5)) != "" for n in drawn]
    assert np.mean(refused) > 0.999
    told = complaint(("the journey", "the holdout"), (2_250, 2_750), (0.5, 0.5))
    assert "the journey has 2,250 of 5,000 customers (45.0%) instead of 50.0%" in told
    assert complaint(("a", "b"), (3, 1), (0.5, 0.5)) == "", "of four customers nothing is told"
    assert complaint(("a", "b"), (0, 0), (0.5, 0.5)) == ""


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(92, 400) or (0, 0)
    assert (round(low, 3), round(high, 3)) == (0.191, 0.274)
    assert wilson(0, 0) is None
    assert (wilson(0, 10) or (1, 0))[0] == 0
    assert (wilson(10, 10) or (0, 0))[1] == pytest.approx(1)


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.floats(-0.95, 0.95), st.floats(0, 0.5))
def test_what_the_past_told_is_taken_out_and_the_mean_stays(seed: int, like: float, unknown: float) -> None:
    dice = np.random.default_rng(seed)
    before = dice.standard_normal(400)
    values = like * before + math.sqrt(1 - like**2) * dice.standard_normal(400)
    found = adjusted(values, before)
    correlation = float(np.corrcoef(values, before)[0, 1])
    assert found.values.mean() == pytest.approx(values.mean())
    assert found.values.var() == pytest.approx((1 - correlation**2) * values.var())
    assert found.explained == pytest.approx(correlation**2)
    strangers = dice.random(400) < unknown
    partly = adjusted(values, np.where(strangers, np.nan, before))
    assert (partly.values[strangers] == values[strangers]).all()
    assert partly.values.mean() == pytest.approx(values.mean())


def test_with_no_past_nothing_is_taken_out() -> None:
    values = np.arange(10.0)
    for before in (np.full(10, np.nan), np.full(10, 3.0)):
        found = adjusted(values, before)
        assert (found.values == values).all()
        assert found.explained == 0


@pytest.mark.parametrize(
    ("arm", "lacking"),
    [
        (Arm.of_counts("new", 29, 12), "29 customers"),
        (Arm.of_counts("new", 100, 9), "9 customers did it"),
        (Arm.of_counts("new", 100, 91), "all but 9"),
        (Arm.of_values("new", np.append(np.zeros(100), 5.0)), "1 customers did it"),
    ],
)
def test_of_few_customers_nothing_is_told(arm: Arm, lacking: str) -> None:
    found = contrast(arm, Arm.of_counts("old", 1_000, 500))
    assert (found.verdict, found.difference) == ("too early to say", None)
    assert lacking in found.why
