"""End journey: make the customer leave another journey, and go on."""

from __future__ import annotations

from sojourn.journey.definition import END_REQUESTED
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Standing, Step, StepKind, go


class EndJourney(Step, frozen=True, tag="end_journey"):
    """Put `Journey End Requested` on the tape: the customer's runs in that journey leave as `ended`."""

    journey: str

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), *self.asks())

    def asks(self) -> tuple[Ask, ...]:
        return (Mark(END_REQUESTED, {"journey": self.journey}),)


END_JOURNEY = StepKind(
    name="end_journey",
    group="connect",
    title="End a journey",
    summary="Makes the customer leave another journey, and goes on here.",
    settings=EndJourney,
    read=lambda fields: EndJourney(fields.text("end_journey")),
    write=lambda step: {"end_journey": step.journey},
    schema={"$ref": "#/$defs/name", "description": "The journey that the customer is to leave."},
    example="stop: {end_journey: nurture}",
)
