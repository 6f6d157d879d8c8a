"""Checks a journey: all that can be said of a draft without customers."""

from __future__ import annotations

from sojourn.journey.check.conditions import conditions
from sojourn.journey.check.echoes import echoes
from sojourn.journey.check.finding import ANYTHING, ERROR, Finding, Known
from sojourn.journey.check.names import names
from sojourn.journey.check.standing import standing
from sojourn.journey.check.ways import ways
from sojourn.journey.definition import Journey


def check(journey: Journey, known: Known = ANYTHING) -> list[Finding]:
    """All findings, errors first, in the order of the steps."""
    found = [*ways(journey), *conditions(journey), *names(journey, known), *echoes(journey)]
    found += standing(journey, known)
    order = {placed.id: number for number, placed in enumerate(journey.steps)}
    return sorted(found, key=lambda one: (one.severity != ERROR, order.get(one.step, -1)))
