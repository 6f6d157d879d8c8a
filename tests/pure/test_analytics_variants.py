"""The variants of an experiment: counted as a plain reading counts, and won by the one that is better."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof_worlds import BOUGHT, DAY, Told

from sojourn.analytics.metrics.variants import VariantsQuestion, variants
from sojourn.analytics.outcome import Money
from sojourn.errors import Invalid
from sojourn.tape.build import empty
from sojourn.tape.tape import Tape


def tried(shares: dict[str, tuple[int, int]]) -> Tape:
    """An experiment in which so many got each variant and so many of them bought."""
    told, customer = Told(), 0
    for name, (count, bought) in shares.items():
        for place in range(count):
            customer += 1
            told.say(customer, customer, "Variant Given", journey="welcome", step="try", variant=name)
            if place < bought:
                told.say(customer, customer + DAY, "Order Completed", total=20.0)
    told.say(1, 5 * DAY, "Variant Given", journey="welcome", step="other", variant="b")
    return told.tape()


EXPERIMENT = VariantsQuestion(
    journey="welcome",
    step="try",
    weights={"a": 1, "b": 1, "c": 2},
    goal=BOUGHT,
    within=7 * DAY,
    as_of=30 * DAY,
)


def test_the_variant_that_does_best_is_told_and_compared_with_the_first() -> None:
    found = variants(tried({"a": (900, 90), "b": (900, 270), "c": (1_800, 200)}), EXPERIMENT)
    assert (found.verdict, found.winner, found.mixed) == ("decided", "b", 0)
    assert [(one.name, one.group.count, one.group.reached) for one in found.variants] == [
        ("a", 900, 90),
        ("b", 900, 270),
        ("c", 1_800, 200),
    ]
    first, second, third = (one.against_first for one in found.variants)
    assert first is None
    assert second
    assert third
    assert (second.verdict, third.verdict) == ("more", "too early to say")
    equal = variants(tried({"a": (900, 90), "b": (900, 95), "c": (1_800, 190)}), EXPERIMENT)
    assert (equal.verdict, equal.winner, equal.why) == (
        "too early to say",
        None,
        "none is surely better than all others",
    )
    few = variants(tried({"a": (9, 5), "b": (9, 5), "c": (18, 9)}), EXPERIMENT)
    assert "a has 9 customers" in few.why


def test_variants_that_were_not_drawn_by_their_weights_are_refused() -> None:
    found = variants(tried({"a": (900, 90), "b": (1_200, 360), "c": (1_800, 200)}), EXPERIMENT)
    assert (found.verdict, found.winner) == ("refused", None)
    assert "b has 1,200 of 3,900 customers (30.8%) instead of 25.0%" in found.why
    assert all(one.group.mean is None for one in found.variants)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 30))
def test_variants_count_whom_a_plain_reading_counts(seed: int, since: int) -> None:
    dice, told = np.random.default_rng(seed), Told()
    draws: dict[int, list[tuple[int, str]]] = {}
    for customer in range(1, 80):
        for again in range(int(dice.integers(0, 3))):
            name = str(dice.choice(("a", "b", "x"))) if again else "ab"[customer % 2]
            at = int(dice.integers(0, 40)) * DAY + again
            draws.setdefault(customer, []).append((at, name))
            told.say(customer, at, "Variant Given", journey="welcome", step="try", variant=name)
    asked = VariantsQuestion(
        journey="welcome",
        step="try",
        weights={"a": 1, "b": 1},
        money=Money(),
        since=since * DAY,
        as_of=90 * DAY,
    )
    found = variants(told.tape(range(1, 80)), asked)
    those = [{name for _, name in each} for each in draws.values() if min(each)[0] >= since * DAY]
    assert [one.group.entered for one in found.variants] == [those.count({"a"}), those.count({"b"})]
    assert found.mixed == len(those) - those.count({"a"}) - those.count({"b"})


@pytest.mark.parametrize("weights", [{}, {"a": 1}, {"a": 1, "b": 0}])
def test_an_experiment_has_variants_with_weights(weights: dict[str, float]) -> None:
    with pytest.raises(Invalid) as refused:
        variants(empty(), VariantsQuestion(journey="welcome", step="try", weights=weights, goal=BOUGHT))
    assert refused.value.place == "weights"
