"""The variants of an experiment: what those who got each of them did, and whether one has won."""

from __future__ import annotations

from typing import Literal

import msgspec

from sojourn.analytics.exposure import given
from sojourn.analytics.measure import Group, Measure, arms
from sojourn.analytics.metric import Metric
from sojourn.analytics.statistics.arm import Arm
from sojourn.analytics.statistics.compare import Contrast, against, decided
from sojourn.analytics.statistics.sample_ratio import complaint
from sojourn.errors import Invalid
from sojourn.tape.tape import Tape


class VariantsQuestion(Measure, frozen=True, kw_only=True, tag_field="metric", tag="variants"):
    """Which experiment (a step of a journey), and by which weights its variants are drawn.

    The others are compared with the first.
    """

    journey: str
    step: str
    weights: dict[str, float]


class Variant(msgspec.Struct, frozen=True):
    """One variant: what its customers came to, and against the first (None of that itself)."""

    name: str
    group: Group
    against_first: Contrast | None = None


class VariantsAnswer(msgspec.Struct, frozen=True):
    """What may be said; of a verdict `refused` there are no numbers but how many got each, and `why`.

    A variant has won if it is better than each of the others; the chance that a wrong one is ever said to
    have won, in however many looks, is `alpha`.
    """

    verdict: Literal["decided", "too early to say", "refused"]
    winner: str | None
    why: str
    variants: tuple[Variant, ...]
    mixed: int  # customers who got several
    explained: float = 0.0  # share of the variance of money that spending before told (CUPED)


def variants(tape: Tape, question: VariantsQuestion) -> VariantsAnswer:
    """What came of each variant, and which has won.  Raises Invalid for a question that is none."""
    question.check()
    names, shares = _drawn(question)
    who = given(tape, question.journey, question.step, names, question.since)
    closed, entered = question.closed(tape, who), who.sizes(len(names))
    wrong = complaint(names, entered, shares)
    if wrong:
        groups = map(Group, entered, closed.sizes(len(names)))
        return VariantsAnswer("refused", None, wrong, tuple(map(Variant, names, groups)), who.mixed)
    found, explained = arms(tape, question, question.journey, closed, names)
    winner = decided(found, question.alpha, question.expected)
    why = (
        ""
        if winner
        else next((arm.lacking for arm in found if arm.lacking), "none is surely better than all others")
    )
    return VariantsAnswer(
        "decided" if winner else "too early to say",
        winner,
        why,
        _compared(question, found, entered),
        who.mixed,
        explained,
    )


def _drawn(question: VariantsQuestion) -> tuple[tuple[str, ...], list[float]]:
    """The names, and which share of the customers each is to get."""
    weights = question.weights
    if len(weights) < 2 or not all(weight > 0 for weight in weights.values()):
        raise Invalid("must be two or more, each with a weight above 0", place="weights")
    total = sum(weights.values())
    return tuple(weights), [weight / total for weight in weights.values()]


def _compared(question: VariantsQuestion, found: list[Arm], entered: list[int]) -> tuple[Variant, ...]:
    contrasts = [None, *against(found[1:], found[0], question.alpha, question.expected)]
    groups = map(Group.of, found, entered)
    return tuple(map(Variant, (arm.name for arm in found), groups, contrasts))


VARIANTS = Metric("variants", VariantsQuestion, variants)
