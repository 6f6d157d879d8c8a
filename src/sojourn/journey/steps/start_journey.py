"""Start journey: ask that the customer enters another journey, and go on."""

from __future__ import annotations

from sojourn.journey.definition import REQUESTED
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Standing, Step, StepKind, go


class StartJourney(Step, frozen=True, tag="start_journey"):
    """Put `Journey Requested` on the tape; whether the customer enters is for that journey to say."""

    journey: str

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), *self.asks())

    def asks(self) -> tuple[Ask, ...]:
        return (Mark(REQUESTED, {"journey": self.journey}),)


START_JOURNEY = StepKind(
    name="start_journey",
    group="connect",
    title="Start a journey",
    summary="Lets the customer into another journey, and goes on here.",
    settings=StartJourney,
    read=lambda fields: StartJourney(fields.text("start_journey")),
    write=lambda step: {"start_journey": step.journey},
    schema={"$ref": "#/$defs/name", "description": "The journey; it needs the trigger `api: true`."},
    example="more: {start_journey: welcome}",
)
