"""What became of customers within a span after they entered: whether they reached a goal, what they spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np

from sojourn.analytics.exposure import Exposed
from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import values_at
from sojourn.rule.definition import Rule
from sojourn.rule.evaluate import evaluate
from sojourn.rule.listens import listens
from sojourn.rule.where import named
from sojourn.tape.kernels.tally import tally
from sojourn.tape.selection import Selection
from sojourn.tape.tape import NEVER, Bools, Floats, Ints, Tape


class Money(msgspec.Struct, frozen=True):
    """What brings in money: the event, and which of its properties says how much (the first that it carries).

    What is in another currency than `currency` does not count; without one, all of it counts as the same.
    """

    event: str = "Order Completed"
    properties: tuple[str, ...] = ("revenue", "total")
    currency: str = ""


def reached(
    tape: Tape, rule: Rule, who: Exposed, within: int, journey: str, segments: Mapping[str, Rule]
) -> Bools:
    """Whether the rule held at any instant from the entry to `within` µs later: bool[k].

    It is asked at the entry, at each event that may change it, and at the end: as the journey asks its goal,
    but of those who are held out, too, and of those who have left.
    """
    ends = who.entered + within
    heard = _between(listens(rule, tape, segments, journey), who, ends)
    everybody = np.arange(len(who.rows))
    whose = np.concatenate([everybody, heard[0], everybody])
    now = np.concatenate([who.entered, heard[1], ends])
    asked = Cohort(
        tapes=(tape,),
        rows=who.rows[whose],
        now=now,
        segments=segments,
        journey=journey,
        since=who.entered[whose],
    )
    found = np.zeros(len(who.rows), np.bool_)
    found[whose[evaluate(rule, asked)]] = True
    return found


def spent(tape: Tape, money: Money, who: Exposed, within: int) -> Floats:
    """What each customer spent after the entry, at most `within` µs later: float64[k]."""
    return _sum(tape, money, who.rows, who.entered + 1, who.entered + within + 1)


def spent_before(tape: Tape, money: Money, who: Exposed, within: int) -> Floats:
    """What each customer had spent in the `within` µs up to the entry: float64[k].

    NaN of those whom we did not know that long: nothing is not what they would have spent.
    """
    found = _sum(tape, money, who.rows, who.entered - within + 1, who.entered + 1)
    known = tape.received[tape.starts[who.rows]] <= who.entered - within
    return np.where(known, found, np.nan)


def payments(tape: Tape, money: Money) -> tuple[Selection, Floats, int]:
    """The events that bring in money, by when we met them, and how much: float64[n].

    And how many do not count, because they are in another currency.
    """
    paid = named(tape, money.event, (), "UTC")
    amounts = np.full(len(paid), np.nan)
    for name in reversed(money.properties):
        numbers = values_at(tape.properties[name], paid.positions).numbers
        amounts = np.where(np.isnan(numbers), amounts, numbers)
    other = ~np.isnan(amounts) & _elsewhere(tape, money.currency, paid)
    amounts[other | np.isnan(amounts)] = 0.0
    return replace(paid, times=paid.received, late=False), amounts, int(other.sum())


def _elsewhere(tape: Tape, currency: str, paid: Selection) -> Bools:
    """The payments that are told in another currency than this."""
    told = values_at(tape.properties["currency"], paid.positions)
    if not currency or not len(told.column.texts):
        return np.zeros(len(paid), np.bool_)
    ours = np.array([text.upper() == currency.upper() for text in told.column.texts])
    other: Bools = (told.codes >= 0) & ~ours[told.codes]
    return other


def _sum(tape: Tape, money: Money, rows: Ints, since: Ints, until: Ints) -> Floats:
    """What was paid at since <= instant < until: float64[k]."""
    paid, amounts, _ = payments(tape, money)
    return tally(paid, amounts, rows, int(NEVER), since, until)[0]


def _between(events: Selection, who: Exposed, ends: Ints) -> tuple[Ints, Ints]:
    """Of the events those met after their customer's entry and not after its end.

    Answers whose each is, as a place among the customers exposed, and when it was met.
    """
    places = np.full(len(events.starts) - 1, -1)
    places[who.rows] = np.arange(len(who.rows))
    whose = np.repeat(places, np.diff(events.starts))
    kept = np.flatnonzero(whose >= 0)
    met = events.received[kept]
    kept = kept[(met > who.entered[whose[kept]]) & (met <= ends[whose[kept]])]
    return whose[kept], events.received[kept]
