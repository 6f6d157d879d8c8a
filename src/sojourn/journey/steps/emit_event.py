"""Emit event: put an event on the customer's tape, where other journeys and rules find it."""

from __future__ import annotations

from sojourn.errors import Invalid
from sojourn.journey.definition import REQUESTED
from sojourn.journey.effects import Ask, Mark, believed
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.journey.text.fields import Fields


class EmitEvent(Step, frozen=True, tag="emit_event"):
    """Put the event of `mark` on the tape."""

    mark: Mark

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), self.mark)

    def asks(self) -> tuple[Ask, ...]:
        return (self.mark,)


def _read(fields: Fields) -> EmitEvent:
    if isinstance(fields.need("emit_event"), str):
        return EmitEvent(Mark(_name(fields, "emit_event")))
    inner = fields.mapping("emit_event")
    name = _name(inner, "name")
    properties = inner.scalars("properties") if "properties" in inner.data else {}
    for told in ("journey", "step"):
        if told in properties and (told, name) != ("journey", REQUESTED):
            raise Invalid("is filled in by Sojourn itself", place=inner.at(f"properties.{told}"))
    inner.done()
    return EmitEvent(Mark(name, properties))


def _name(fields: Fields, key: str) -> str:
    name = fields.text(key)
    if believed(name):
        raise Invalid(f"{name!r} is believed only when Sojourn itself says so", place=fields.at(key))
    return name


def _write(step: EmitEvent) -> dict[str, object]:
    mark = step.mark
    whole = {"name": mark.name, "properties": dict(mark.properties)}
    return {"emit_event": whole if mark.properties else mark.name}


EMIT_EVENT = StepKind(
    name="emit_event",
    group="do",
    title="Emit an event",
    summary="Puts an event on the customer's tape, where other journeys and rules find it.",
    settings=EmitEvent,
    read=_read,
    write=_write,
    schema={
        "anyOf": [
            {"$ref": "#/$defs/name", "description": "The name of the event."},
            {
                "type": "object",
                "properties": {
                    "name": {"$ref": "#/$defs/name", "description": "The name of the event."},
                    "properties": {"$ref": "#/$defs/scalars", "description": "What it carries."},
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        ]
    },
    example="shout: {emit_event: {name: Trial Ended, properties: {after_days: 14}}}",
)
