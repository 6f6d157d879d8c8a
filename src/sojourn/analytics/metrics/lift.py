"""The lift: how much more the customers of a journey did than those who are held out of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from sojourn.analytics.exposure import exposed
from sojourn.analytics.measure import Group, Measure, arms
from sojourn.analytics.metric import Metric
from sojourn.analytics.statistics.compare import Estimate, contrast
from sojourn.analytics.statistics.sample_ratio import complaint
from sojourn.errors import Invalid
from sojourn.tape.tape import Tape

ARMS = ("the journey", "the holdout")


class LiftQuestion(Measure, frozen=True, kw_only=True, tag_field="metric", tag="lift"):
    """Which journey, what is to be compared, and which share of its customers is held out.

    Without a `journey` it is asked of all of them together and of the global holdout.
    """

    journey: str = ""
    holdout: float


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
    question.check()
    if not 0 < question.holdout < 1:
        raise Invalid(f"must be a share between 0 and 1, not {question.holdout}", place="holdout")
    who = exposed(tape, question.journey, question.since)
    closed, entered = question.closed(tape, who), who.sizes(2)
    wrong = complaint(ARMS, entered, (1 - question.holdout, question.holdout))
    if wrong:
        treated, holdout = map(Group, entered, closed.sizes(2))
        return LiftAnswer("refused", wrong, treated, holdout, who.mixed)
    found, explained = arms(tape, question, question.journey, closed, ARMS)
    told = contrast(found[0], found[1], question.alpha, question.expected)
    treated, holdout = map(Group.of, found, entered)
    return LiftAnswer(
        told.verdict, told.why, treated, holdout, who.mixed, told.difference, told.relative, explained
    )


LIFT = Metric("lift", LiftQuestion, lift)
