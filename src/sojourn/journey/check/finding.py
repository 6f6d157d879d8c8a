"""A finding: one thing that is wrong with a journey, or may be, and on which step."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import msgspec

from sojourn.customer.references import Definitions
from sojourn.journey.definition import Journey
from sojourn.journey.effects import Ask
from sojourn.rule.definition import Rule

ERROR, WARNING = "error", "warning"


class Finding(msgspec.Struct, frozen=True):
    """One thing found: an error forbids publishing; `step` is '' when it concerns the whole journey."""

    severity: str
    step: str
    what: str


@dataclass(frozen=True)
class Known:
    """What exists around the journey; None where it cannot be told."""

    templates: Collection[str] | None = None
    segments: Collection[str] | None = None
    events: Collection[str] | None = None
    definitions: Definitions | None = None  # scores, stages and lists


ANYTHING = Known()
"""Nothing is known, so all may be there."""


def hint(name: str, known: Collection[str]) -> str:
    """What may have been meant by a name that is not known."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def asks(journey: Journey) -> Iterator[tuple[str, Ask]]:
    """All that the journey may ask for, with the step that does."""
    for placed in journey.steps:
        for ask in placed.step.asks():
            yield placed.id, ask


def rules(journey: Journey) -> Iterator[tuple[str, Rule]]:
    """All rules of the journey with the step that they stand on."""
    for trigger in journey.enter:
        if trigger.condition:
            yield "", trigger.condition
    if journey.goal:
        yield "", journey.goal.rule
    if journey.leave_if:
        yield "", journey.leave_if
    for placed in journey.steps:
        for rule in placed.rules():
            yield placed.id, rule
