"""What a comparison measures: which outcome, in which time, of whom; and the arms that this makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from sojourn.analytics.exposure import Exposed
from sojourn.analytics.outcome import Money, reached, spent, spent_before
from sojourn.analytics.statistics.arm import Arm
from sojourn.analytics.statistics.compare import ALPHA
from sojourn.analytics.statistics.cuped import adjusted
from sojourn.analytics.statistics.sequence import EXPECTED
from sojourn.analytics.statistics.wilson import wilson
from sojourn.errors import Invalid
from sojourn.rule.text import parse
from sojourn.tape.tape import LONG_AGO, Floats, Tape

MONTH = 30 * 86_400_000_000
"""Microseconds in which an outcome counts if nobody says otherwise."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Compared is the share who reach the `goal` (a rule) or what is spent (`money`), within `within` µs.

    Counted is who entered first at `since` or later, and so long before `as_of` (by default when we last
    heard of anybody) that no outcome changes any more.  `segments` are the rules of segments that the goal
    asks for.  `alpha` is the chance of ever telling of a difference where there is none.
    """

    goal: dict[str, Any] | None = None
    money: Money | None = None
    within: int = MONTH
    since: int = int(LONG_AGO)
    as_of: int | None = None
    segments: dict[str, dict[str, Any]] = {}
    alpha: float = ALPHA
    expected: int = EXPECTED  # customers at whom intervals are narrowest

    def check(self) -> None:
        """Raises Invalid where nothing can be measured so."""
        if (self.goal is None) == (self.money is None):
            raise Invalid("say either which goal or what money is to be compared", place="goal")
        if not 0 < self.alpha < 1:
            raise Invalid(f"must be a chance between 0 and 1, not {self.alpha}", place="alpha")
        for name in ("within", "expected"):
            if getattr(self, name) <= 0:
                raise Invalid("must be above 0", place=name)

    def closed(self, tape: Tape, who: Exposed) -> Exposed:
        """Those of the customers whose time is up."""
        last = int(tape.received.max(initial=LONG_AGO)) if self.as_of is None else self.as_of
        return who.only(who.entered <= last - self.within)


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

    @staticmethod
    def of(arm: Arm, entered: int) -> Group:
        """What may be shown of an arm that so many entered."""
        low, high = (wilson(arm.reached, arm.count) if arm.of_goal else None) or (None, None)
        return Group(entered, arm.count, arm.reached, arm.mean if arm.count else None, low, high)


def arms(
    tape: Tape, measure: Measure, journey: str, who: Exposed, names: Sequence[str]
) -> tuple[list[Arm], float]:
    """The arms of those names, by what the customers came to, and how much of it spending before told."""
    if measure.money is None:
        segments = {name: parse(text, f"segments.{name}") for name, text in measure.segments.items()}
        done = reached(tape, parse(measure.goal, "goal"), who, measure.within, journey, segments)
        counts = zip(
            names, who.sizes(len(names)), np.bincount(who.arms[done], minlength=len(names)), strict=True
        )
        return [Arm.of_counts(name, count, int(times)) for name, count, times in counts], 0.0
    paid = spent(tape, measure.money, who, measure.within)
    taken = adjusted(paid, spent_before(tape, measure.money, who, measure.within))
    return [_of_money(name, taken.values, paid, who, n) for n, name in enumerate(names)], taken.explained


def _of_money(name: str, values: Floats, paid: Floats, who: Exposed, arm: int) -> Arm:
    side = who.arms == arm
    return Arm.of_values(name, values[side], int((paid[side] > 0).sum()))
