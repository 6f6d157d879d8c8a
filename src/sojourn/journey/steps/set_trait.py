"""Set trait: give traits of the customer new values, as an event on their tape."""

from __future__ import annotations

from collections.abc import Mapping

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind, go


class SetTrait(Step, frozen=True, tag="set_trait"):
    """Put `Traits Set` on the tape, with the new values."""

    mark: Mark

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), ask=self.mark)

    def asks(self) -> tuple[Ask, ...]:
        return (self.mark,)


def _read(fields: Fields) -> SetTrait:
    fields.target("then")
    traits = fields.mapping("set_trait").data
    for name, value in traits.items():
        if not isinstance(value, (str, bool, int, float)):
            place = f"{fields.place}.set_trait.{name}"
            raise Invalid(f"must be a text, a number, true or false, not {value!r}", place=place)
    return SetTrait(Mark("Traits Set", traits=dict(traits)))


def _write(step: SetTrait, targets: Mapping[str, str]) -> dict[str, object]:
    return {"set_trait": dict(step.mark.traits), **targets}


SET_TRAIT = StepKind(
    name="set_trait",
    group="do",
    title="Set a trait",
    summary="Changes traits of the customer.",
    settings=SetTrait,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
)
