"""The return on investment: what a journey cost, what its customers spent, and how much of that it caused."""

from __future__ import annotations

import msgspec
import numpy as np

from sojourn.analytics.exposure import Exposed, entering, exposed
from sojourn.analytics.measure import MONTH
from sojourn.analytics.metric import Metric
from sojourn.analytics.metrics.lift import LiftAnswer, LiftQuestion, lift
from sojourn.analytics.outcome import Money, payments
from sojourn.analytics.statistics.compare import Estimate
from sojourn.errors import Invalid
from sojourn.tape.kernels.first_last import last
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Tape


class Cost(msgspec.Struct, frozen=True):
    """What was spent on a channel from `begins` to `ends` (excluded), microseconds UTC."""

    channel: str
    begins: int
    ends: int
    amount: float
    currency: str


class RoiQuestion(msgspec.Struct, frozen=True, kw_only=True, tag_field="metric", tag="roi"):
    """Which journey, what it cost, and what counts as money.

    Asked of those who entered from `begins` to `ends`; by default from the beginning to the last ones whose
    time (`within` µs) is up.  Costs of longer periods count by the part that lies in there.  `margin` is
    which share of the money is profit.  With a `holdout` the profit that the journey caused is told, too,
    by the lift of those who entered first at `since` or later.
    """

    journey: str
    costs: tuple[Cost, ...]
    money: Money = Money()
    margin: float = 1.0
    within: int = MONTH
    begins: int = int(LONG_AGO)
    ends: int | None = None
    as_of: int | None = None
    holdout: float = 0.0
    since: int = int(LONG_AGO)


class RoiAnswer(msgspec.Struct, frozen=True):
    """Money is in `currency`; what is None cannot be told.

    `roi` is (profit − cost) / cost of all that customers spent in their time: it came after the journey.
    `incremental` is the profit that came because of it, and `incremental_roi` the same by that.
    """

    customers: int  # who went through, each once
    cost: float
    by_channel: dict[str, float]
    revenue: float
    profit: float
    roi: float | None
    currency: str
    elsewhere: int  # payments left out: in another currency
    margin: float
    lift: LiftAnswer | None = None
    incremental: Estimate | None = None
    incremental_roi: Estimate | None = None


def roi(tape: Tape, question: RoiQuestion) -> RoiAnswer:
    """What came of the money spent on a journey.  Raises Invalid for a question that is none."""
    currency = _check(question)
    newest = int(tape.received.max(initial=LONG_AGO)) if question.as_of is None else question.as_of
    last_entry = newest - question.within if newest > LONG_AGO + question.within else int(LONG_AGO)
    ends = last_entry if question.ends is None else min(question.ends, last_entry)
    money = Money(question.money.event, question.money.properties, currency)
    who = exposed(tape, question.journey)
    through = _through(tape, question, who, ends)
    revenue, elsewhere = _revenue(tape, question, money, through, ends)
    channels = _by_channel(question.costs, question.begins, ends)
    cost, profit = sum(channels.values()), revenue * question.margin
    found = _lift(tape, question, money) if question.holdout else None
    customers = int(through.sum())
    caused = _caused(found, customers, question.margin)
    return RoiAnswer(
        customers=customers,
        cost=cost,
        by_channel=channels,
        revenue=revenue,
        profit=profit,
        roi=(profit - cost) / cost if cost else None,
        currency=currency,
        elsewhere=elsewhere,
        margin=question.margin,
        lift=found,
        incremental=caused,
        incremental_roi=_returned(caused, cost),
    )


def _check(question: RoiQuestion) -> str:
    """The one currency of it all."""
    currencies = {cost.currency.upper() for cost in question.costs} | {question.money.currency.upper()}
    currencies.discard("")
    if len(currencies) > 1:
        told = " and ".join(sorted(currencies))
        raise Invalid(f"costs and money are in {told}: bring them into one currency first", place="costs")
    for number, cost in enumerate(question.costs):
        if cost.ends <= cost.begins:
            raise Invalid("ends before it begins", place=f"costs[{number}]")
    if not 0 < question.margin <= 1:
        raise Invalid(f"must be a share above 0, at most 1, not {question.margin}", place="margin")
    return next(iter(currencies), "")


def _through(tape: Tape, question: RoiQuestion, who: Exposed, ends: int) -> Bools:
    """Which customers, of all on the tape, went through and entered in the time asked of: bool[c]."""
    went = np.zeros(len(tape.customers), np.bool_)
    treated = who.rows[who.arms == 0]
    entry = last(entering(tape, question.journey), treated, int(NEVER), question.begins, ends)
    went[treated[entry >= 0]] = True
    return went


def _revenue(tape: Tape, question: RoiQuestion, money: Money, through: Bools, ends: int) -> tuple[float, int]:
    """What those who went through spent within their time after some entry, each payment once."""
    paid, amounts, elsewhere = payments(tape, money)
    rows = np.repeat(np.arange(len(through)), np.diff(paid.starts))
    since = np.maximum(paid.received - question.within, question.begins)
    entry = last(entering(tape, question.journey), rows, paid.received - 1, since, ends)
    return float(amounts[(entry >= 0) & through[rows]].sum()), elsewhere


def _by_channel(costs: tuple[Cost, ...], begins: int, ends: int) -> dict[str, float]:
    """What the part of each cost that lies between comes to, by channel."""
    found: dict[str, float] = {}
    for cost in costs:
        inside = max(0, min(cost.ends, ends) - max(cost.begins, begins))
        part = cost.amount * inside / (cost.ends - cost.begins)
        found[cost.channel] = found.get(cost.channel, 0.0) + part
    return {channel: amount for channel, amount in sorted(found.items()) if amount}


def _lift(tape: Tape, question: RoiQuestion, money: Money) -> LiftAnswer:
    asked = LiftQuestion(
        journey=question.journey,
        holdout=question.holdout,
        money=money,
        within=question.within,
        since=question.since,
        as_of=question.as_of,
    )
    return lift(tape, asked)


def _caused(found: LiftAnswer | None, customers: int, margin: float) -> Estimate | None:
    """The profit that so many customers brought because they went through."""
    if found is None or found.difference is None:
        return None
    return found.difference.times(customers * margin)


def _returned(caused: Estimate | None, cost: float) -> Estimate | None:
    if caused is None or not cost:
        return None
    return Estimate(*((bound - cost) / cost for bound in (caused.value, caused.low, caused.high)))


ROI = Metric("roi", RoiQuestion, roi)
