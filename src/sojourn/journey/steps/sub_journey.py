"""Sub-journey: let the customer into another journey, and go on when they have left it."""

from __future__ import annotations

import numpy as np

from sojourn.journey.definition import REQUESTED
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import HOLD, THEN, Answer, Asked, Standing, Step, StepKind, zoned
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Comparison, Condition, Performed, Rule, Window
from sojourn.rule.span import Span
from sojourn.tape.tape import NEVER


class SubJourney(Step, frozen=True, tag="sub_journey"):
    """Ask on arrival that the customer enters `journey`, and hold until they have left it, or `at_most`."""

    journey: str
    at_most: Span | None = None

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise") if self.at_most else ("then",)

    def answer(self, standing: Standing) -> Answer:
        n = len(standing.runs)
        due = standing.later(self.at_most) if self.at_most else np.full(n, NEVER)
        back = standing.holds(self._left, standing.runs.since) & (due >= standing.now)
        exits = np.where(back, 0, np.where(due <= standing.now, 1, HOLD)).astype(np.int32)
        return Answer(exits, due, (Asked(self.asks()[0], standing.arriving),))

    @property
    def _left(self) -> Performed:
        of = Condition("journey", (Comparison("is", self.journey),))
        return Performed("Journey Left", (of,), window=Window(since_entry=True))

    def awaits(self) -> tuple[Rule, ...]:
        return (self._left,)

    def asks(self) -> tuple[Ask, ...]:
        return (Mark(REQUESTED, {"journey": self.journey}),)

    def holds(self) -> bool:
        return True

    def zoned(self) -> bool:
        return self.at_most is not None and zoned(self.at_most)

    def endless(self) -> bool:
        return self.at_most is None


def _read(fields: Fields) -> SubJourney:
    limit = fields.span("at_most") if "at_most" in fields.data else None
    return SubJourney(fields.text("sub_journey"), limit)


def _write(step: SubJourney) -> dict[str, object]:
    return {"sub_journey": step.journey, **({"at_most": str(step.at_most)} if step.at_most else {})}


SUB_JOURNEY = StepKind(
    name="sub_journey",
    group="connect",
    title="Go through a journey",
    summary="Lets the customer into another journey, and goes on here when they have left it.",
    settings=SubJourney,
    read=_read,
    write=_write,
    schema={"$ref": "#/$defs/name", "description": "The journey; it needs the trigger `api: true`."},
    beside={
        "then": THEN,
        "at_most": {"$ref": "#/$defs/span", "description": "How long to wait at most; by default for ever."},
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go who are still in it then."},
    },
    example="lessons: {sub_journey: onboarding, at_most: 30 days, otherwise: call}",
)
