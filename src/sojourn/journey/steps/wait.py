"""Wait: hold for a span of time; `1 day` is the same wall-clock time tomorrow, `24 hours` is 24 hours."""

from __future__ import annotations

from collections.abc import Mapping

from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind, hold_until
from sojourn.rule.span import Span, parse_span


class Wait(Step, frozen=True, tag="wait"):
    """Hold for `span` from arrival, on the customer's own calendar."""

    span: Span

    def answer(self, standing: Standing) -> Answer:
        runs = standing.runs
        return hold_until(standing.world.later(runs.rows, runs.since, self.span), standing.now)

    def holds(self) -> bool:
        return True


def _read(fields: Fields) -> Wait:
    fields.target("then")
    return Wait(parse_span(fields.need("wait"), f"{fields.place}.wait"))


def _write(step: Wait, targets: Mapping[str, str]) -> dict[str, object]:
    return {"wait": str(step.span), **targets}


WAIT = StepKind(
    name="wait",
    group="time",
    title="Wait",
    summary="Holds for a span of time.",
    settings=Wait,
    read=_read,
    write=_write,
    schema={"type": "string", "examples": ["2 days", "24 hours", "30 minutes"]},
)
