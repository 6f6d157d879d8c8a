"""Set trait: give traits of the customer new values, as an event on their tape."""

from __future__ import annotations

from sojourn.journey.effects import TRAITS_SET, Ask, Mark
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.journey.text.fields import Fields


class SetTrait(Step, frozen=True, tag="set_trait"):
    """Put `Traits Set` on the tape, with the new values."""

    mark: Mark

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), self.mark)

    def asks(self) -> tuple[Ask, ...]:
        return (self.mark,)


def _read(fields: Fields) -> SetTrait:
    return SetTrait(Mark(TRAITS_SET, traits=fields.scalars("set_trait")))


SET_TRAIT = StepKind(
    name="set_trait",
    group="do",
    title="Set traits",
    summary="Gives traits of the customer new values.",
    settings=SetTrait,
    read=_read,
    write=lambda step: {"set_trait": dict(step.mark.traits)},
    schema={"$ref": "#/$defs/scalars", "description": "The traits and their new values."},
    example="thanks: {set_trait: {lifecycle: customer, discount: 10}}",
)
