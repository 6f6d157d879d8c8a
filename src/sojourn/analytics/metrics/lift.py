"""The lift: how much more the customers of a journey did than those who are held out of it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sojourn.analytics.exposure import Exposed, exposed
from sojourn.analytics.metric import Metric
from sojourn.analytics.outcome import Money, reached, spent, spent_before
from sojourn.analytics.statistics.arm import Arm
from sojourn.analytics.statistics.compare import ALPHA, Estimate, contrast
from sojourn.analytics.statistics.cuped import adjusted
from sojourn.analytics.statistics.sample_ratio import complaint
from sojourn.analytics.statistics.sequence import EXPECTED
from sojourn.analytics.statistics.wilson import wilson
from sojourn.errors import Invalid
from sojourn.rule.text import parse
from sojourn.tape.tape import LONG_AGO, Bools, Tape

MONTH = 30 * 86_400_000_000
"""Microseconds in which an outcome counts if nobody says otherwise."""

TREATED, HELD = "the journey", "the holdout"


class LiftQuestion(msgspec.Struct, frozen=True, kw_only=True, tag_field="metric", tag="lift"):
    """Which journey, what is to be compared, and how the customers were drawn.

    Compared is the share who reach the `goal` (a rule) or what is spent (`money`), within `within` µs of
    the first entry.  Only who entered that long before `as_of` counts (by default when we last heard of
    anybody), so that no outcome changes later.  Without a `journey` it is asked of all of them together
    and of the global holdout.  `segments` are the rules of segments that the goal asks for.
    """

    journey: str = ""
    holdout: float
    goal: dict[str, Any] | None = None
    money: Money | None = None
    within: int = MONTH
    since: int = int(LONG_AGO)  # counts who entered first at this instant or later, microseconds UTC
    as_of: int | None = None
    segments: dict[str, dict[str, Any]] = {}
    alpha: float = ALPHA
    expected: int = EXPECTED  # customers at whom the interval is narrowest


class Group(msgspec.Struct, frozen=True):
    """One arm: how many entered, and of how many of them the time is up (`count`).

    `reached` of those the goal or spent anything, `mean` is the share of them or what they spent on
    average; both are None where nothing may be shown.  `low` and `high` bound a share at one look.
    """

    entered: int
    count: int
    reached: int | None = None
    mean: float | None = None
    low: float | None = None
    high: float | None = None


class LiftAnswer(msgspec.Struct, frozen=True):
    """What may be said; of a verdict `refused` there are no numbers but how many entered, and `why`.

    The difference is treated less holdout, `relative` is it as a share of the holdout's mean.
    """

    verdict: Literal["more", "less", "too early to say", "refused"]
    why: str
    treated: Group
    holdout: Group
    mixed: int  # customers in no arm: once held out, once not
    difference: Estimate | None = None
    relative: Estimate | None = None
    explained: float = 0.0  # share of the variance of money that spending before told (CUPED)


def lift(tape: Tape, question: LiftQuestion) -> LiftAnswer:
    """How much more those treated did than those held out.  Raises Invalid for a question that is none."""
    _check(question)
    who = exposed(tape, question.journey, question.since)
    entered = [int((~who.held).sum()), int(who.held.sum())]
    shares = [1 - question.holdout, question.holdout]
    wrong = complaint((TREATED, HELD), entered, shares)
    last = int(tape.received.max(initial=LONG_AGO)) if question.as_of is None else question.as_of
    closed = who.only(who.entered <= last - question.within)
    counts = [int((~closed.held).sum()), int(closed.held.sum())]
    if wrong:
        treated, holdout = (Group(*sizes) for sizes in zip(entered, counts, strict=True))
        return LiftAnswer("refused", wrong, treated, holdout, who.mixed)
    arms, explained = _arms(tape, question, closed)
    treated, holdout = map(_group, arms, entered)
    found = contrast(*arms, question.alpha, question.expected)
    return LiftAnswer(
        found.verdict, found.why, treated, holdout, who.mixed, found.difference, found.relative, explained
    )


def _check(question: LiftQuestion) -> None:
    if not 0 < question.holdout < 1:
        raise Invalid(f"must be a share between 0 and 1, not {question.holdout}", place="holdout")
    if (question.goal is None) == (question.money is None):
        raise Invalid("say either which goal or what money is to be compared", place="goal")
    if not 0 < question.alpha < 1:
        raise Invalid(f"must be a chance between 0 and 1, not {question.alpha}", place="alpha")
    for name in ("within", "expected"):
        if getattr(question, name) <= 0:
            raise Invalid("must be above 0", place=name)


def _arms(tape: Tape, question: LiftQuestion, who: Exposed) -> tuple[tuple[Arm, Arm], float]:
    """Treated and held out, and how much of the variance spending before explained."""
    if question.money is not None:
        return _of_money(tape, question.money, question.within, who)
    segments = {name: parse(text, f"segments.{name}") for name, text in question.segments.items()}
    rule = parse(question.goal, "goal")
    done = reached(tape, rule, who, question.within, question.journey, segments)

    def arm(name: str, side: Bools) -> Arm:
        return Arm.of_counts(name, int(side.sum()), int(done[side].sum()))

    return (arm(TREATED, ~who.held), arm(HELD, who.held)), 0.0


def _of_money(tape: Tape, money: Money, within: int, who: Exposed) -> tuple[tuple[Arm, Arm], float]:
    paid = spent(tape, money, who, within)
    taken = adjusted(paid, spent_before(tape, money, who, within))

    def arm(name: str, side: Bools) -> Arm:
        return Arm.of_values(name, taken.values[side], int((paid[side] > 0).sum()))

    return (arm(TREATED, ~who.held), arm(HELD, who.held)), taken.explained


def _group(arm: Arm, entered: int) -> Group:
    bounds = wilson(arm.reached, arm.count) if arm.of_goal else None
    low, high = bounds or (None, None)
    return Group(entered, arm.count, arm.reached, arm.mean if arm.count else None, low, high)


LIFT = Metric("lift", LiftQuestion, lift)
