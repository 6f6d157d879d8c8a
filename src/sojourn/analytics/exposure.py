"""Who was exposed to a journey, and who was held out of it: read off the marks, never drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sojourn.rule.definition import Comparison, Condition
from sojourn.rule.where import named
from sojourn.tape.selection import Selection
from sojourn.tape.tape import LONG_AGO, Bools, Ints, Tape

VARIANT_GIVEN = "Variant Given"
"""The mark of an experiment's draw, with the properties `journey`, `step` and `variant`."""

HOLDOUT, GLOBAL_HOLDOUT = "holdout", "global holdout"
"""Why runs left at once whose customers are held out of this journey, or of all journeys."""


@dataclass(frozen=True, eq=False)
class Exposed:
    """Customers who came to be in a journey or in an experiment for the first time, each once.

    `mixed` more are left out: they were in one arm and another time in another, as happens when two
    customers turn out to be one.
    """

    rows: Ints  # int64[k], rows of the tape, increasing
    entered: Ints  # int64[k], microseconds UTC, of the first time
    arms: Ints  # int64[k], which arm; of a journey 0 are the treated and 1 those held out
    mixed: int

    def only(self, these: Bools) -> Exposed:
        """Those of the customers: bool[k]."""
        return Exposed(self.rows[these], self.entered[these], self.arms[these], self.mixed)

    def sizes(self, arms: int) -> list[int]:
        """How many customers are in each arm."""
        sizes: list[int] = np.bincount(self.arms, minlength=arms).tolist()
        return sizes


def exposed(tape: Tape, journey: str = "", since: int = int(LONG_AGO)) -> Exposed:
    """Whoever entered the journey for the first time ever at `since` or later; without a name, any journey.

    Those whom the global holdout keeps out of one journey are in neither of its arms; without a name they
    are the ones held out.
    """
    entries = entering(tape, journey)
    held = _times(_left(tape, journey, HOLDOUT if journey else GLOBAL_HOLDOUT))
    outside = _times(_left(tape, journey, GLOBAL_HOLDOUT)) if journey else np.zeros(len(held), np.int64)
    times = _times(entries)
    rows = np.flatnonzero((times > 0) & (outside == 0))
    entered = entries.received[entries.starts[rows]]
    fresh = entered >= since
    rows, entered = rows[fresh], entered[fresh]
    whole = (held[rows] == 0) | (held[rows] == times[rows])
    rows, mixed = rows[whole], len(rows) - int(whole.sum())
    return Exposed(rows, entered[whole], (held[rows] > 0).astype(np.int64), mixed)


def given(tape: Tape, journey: str, step: str, variants: Sequence[str], since: int) -> Exposed:
    """Whoever was given a variant by the experiment of a step, the first time at `since` or later.

    The arms are the places of the variants in the order given; who got one that is not among them, or
    several, is mixed.
    """
    draws = named(tape, VARIANT_GIVEN, (*_of(journey), _is("step", step)), "UTC")
    times = _times(draws)
    each = [
        _times(named(tape, VARIANT_GIVEN, (*_of(journey), _is("step", step), _is("variant", one)), "UTC"))
        for one in variants
    ]
    rows = np.flatnonzero(times > 0)
    entered = draws.received[draws.starts[rows]]
    rows, entered = rows[entered >= since], entered[entered >= since]
    whole = np.array([counts[rows] == times[rows] for counts in each]).reshape(len(variants), len(rows))
    kept = whole.any(axis=0)
    return Exposed(rows[kept], entered[kept], whole.argmax(axis=0)[kept], int((~kept).sum()))


def entering(tape: Tape, journey: str = "") -> Selection:
    """The entries into the journey, or into any."""
    return named(tape, "Journey Entered", _of(journey), "UTC")


def _left(tape: Tape, journey: str, reason: str) -> Selection:
    return named(tape, "Journey Left", (*_of(journey), _is("reason", reason)), "UTC")


def _of(journey: str) -> tuple[Condition, ...]:
    return (_is("journey", journey),) if journey else ()


def _is(name: str, value: str) -> Condition:
    return Condition(name, (Comparison("is", value),))


def _times(selection: Selection) -> Ints:
    """How often each customer did it: int64[c]."""
    counts: Ints = np.diff(selection.starts)
    return counts
