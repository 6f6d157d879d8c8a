"""Emit event: put an event on the customer's tape, where other journeys and rules find it."""

from __future__ import annotations

from collections.abc import Mapping

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind, go


class EmitEvent(Step, frozen=True, tag="emit_event"):
    """Put the event of `mark` on the tape."""

    mark: Mark

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), ask=self.mark)

    def asks(self) -> tuple[Ask, ...]:
        return (self.mark,)


def _read(fields: Fields) -> EmitEvent:
    fields.target("then")
    if isinstance(fields.need("emit_event"), str):
        return EmitEvent(Mark(fields.text("emit_event")))
    inner = fields.mapping("emit_event")
    name, properties = inner.text("name"), inner.take("properties", {})
    inner.done()
    if not isinstance(properties, Mapping):
        raise Invalid(f"must be a mapping, not {properties!r}", place=f"{inner.place}.properties")
    return EmitEvent(Mark(name, dict(properties)))


def _write(step: EmitEvent, targets: Mapping[str, str]) -> dict[str, object]:
    mark = step.mark
    body = {"name": mark.name, "properties": dict(mark.properties)} if mark.properties else mark.name
    return {"emit_event": body, **targets}


EMIT_EVENT = StepKind(
    name="emit_event",
    group="do",
    title="Emit an event",
    summary="Puts an event on the customer's tape.",
    settings=EmitEvent,
    read=_read,
    write=_write,
    schema={
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "properties": {"type": "object"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        ]
    },
)
