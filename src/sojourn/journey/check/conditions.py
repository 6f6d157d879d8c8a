"""Finds conditions whose answer is known before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.journey.check.certain import certain
from sojourn.journey.check.finding import WARNING, Finding
from sojourn.journey.definition import Journey, Placed
from sojourn.rule.definition import Rule


def conditions(journey: Journey) -> Iterator[Finding]:
    """Triggers, goals and ways for which a condition stands that never holds, or always does."""
    for number, trigger in enumerate(journey.enter, start=1):
        if trigger.condition and certain(trigger.condition) is False:
            yield Finding(WARNING, "", f"nobody ever enters by trigger {number}: its condition never holds")
    if journey.goal and certain(journey.goal.rule) is not None:
        everybody = "everybody has reached the goal at once" if certain(journey.goal.rule) else ""
        yield Finding(WARNING, "", everybody or "nobody can ever reach the goal")
    if journey.leave_if and certain(journey.leave_if):
        yield Finding(WARNING, "", "everybody leaves at once: leave_if always holds")
    for placed in journey.steps:
        yield from _ways_not_taken(placed)


def _ways_not_taken(placed: Placed) -> Iterator[Finding]:
    before: list[Rule] = []
    for number, rule in enumerate(placed.rules(), start=1):
        why = (
            "its condition never holds"
            if certain(rule) is False
            else "it stands behind the same condition"
            if rule in before
            else "it stands behind a condition that always holds"
            if any(certain(other) for other in before)
            else ""
        )
        if why:
            yield Finding(WARNING, placed.id, f"nobody ever takes way {number}: {why}")
        before.append(rule)
