"""Wait: hold for a span of time; `1 day` is the same wall-clock time tomorrow, `24 hours` is 24 hours."""

from __future__ import annotations

from sojourn.journey.step import Answer, Standing, Step, StepKind, hold_until, zoned
from sojourn.rule.span import Span


class Wait(Step, frozen=True, tag="wait"):
    """Hold for `span` from arrival, on the customer's own calendar."""

    span: Span

    def answer(self, standing: Standing) -> Answer:
        return hold_until(standing.later(self.span), standing.now)

    def holds(self) -> bool:
        return True

    def zoned(self) -> bool:
        return zoned(self.span)


WAIT = StepKind(
    name="wait",
    group="time",
    title="Wait",
    summary="Holds for a span of time.",
    settings=Wait,
    read=lambda fields: Wait(fields.span("wait")),
    write=lambda step: {"wait": str(step.span)},
    schema={
        "$ref": "#/$defs/span",
        "description": "How long. `1 day` is the same time tomorrow by the customer's clock; "
        "`24 hours` is 24 hours.",
    },
    example="pause: {wait: 2 days}",
)
