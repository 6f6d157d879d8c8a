"""Finds scores, stages and lists that a journey names and that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.customer.marks import SCORE_CHANGED
from sojourn.customer.references import missed
from sojourn.journey.check.finding import ERROR, WARNING, Finding, Known, asks, rules
from sojourn.journey.definition import Journey, Trigger
from sojourn.journey.effects import Mark
from sojourn.rule import definition as d
from sojourn.rule.needs import parts


def standing(journey: Journey, known: Known) -> Iterator[Finding]:
    """What rules and triggers ask for in vain; what steps give that nobody counts or knows of."""
    if known.definitions is None:
        return
    for severity, step, part in (*_asked(journey), *_given(journey)):
        if what := missed(part, known.definitions):
            yield Finding(severity, step, what)


def _asked(journey: Journey) -> Iterator[tuple[str, str, d.Standing]]:
    for trigger in journey.enter:
        if trigger.event == SCORE_CHANGED:
            yield from ((ERROR, "", d.Scored(name, ())) for name in _said(trigger, "score"))
        if trigger.event == d.LIFECYCLE_CHANGED:
            yield from (
                (ERROR, "", d.InStage((name,))) for key in ("from", "to") for name in _said(trigger, key)
            )
    for step, rule in rules(journey):
        for part, _ in parts(rule, {}):
            if isinstance(part, d.Scored | d.InStage | d.OnList):
                yield ERROR, step, part


def _given(journey: Journey) -> Iterator[tuple[str, str, d.Standing]]:
    for step, ask in asks(journey):
        if isinstance(ask, Mark) and ask.name == d.POINTS_ADDED:
            yield WARNING, step, d.Scored(str(ask.properties.get("score", "")), ())
        if isinstance(ask, Mark) and ask.name in (d.LIST_JOINED, d.LIST_LEFT):
            yield WARNING, step, d.OnList(str(ask.properties.get("list", "")))


def _said(trigger: Trigger, key: str) -> Iterator[str]:
    """The texts that a trigger asks a property to be."""
    for test in (test for condition in trigger.where if condition.name == key for test in condition.tests):
        if test.how in ("is", "in"):
            yield from map(str, test.value if isinstance(test.value, tuple) else (test.value,))
