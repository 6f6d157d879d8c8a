"""Remove from list: the customer leaves a list that rules can ask for."""

from __future__ import annotations

from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.rule.definition import LIST_LEFT


class RemoveFromList(Step, frozen=True, tag="remove_from_list"):
    """Put `List Left` on the tape."""

    list: str

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), *self.asks())

    def asks(self) -> tuple[Ask, ...]:
        return (Mark(LIST_LEFT, {"list": self.list}),)


REMOVE_FROM_LIST = StepKind(
    name="remove_from_list",
    group="do",
    title="Remove from a list",
    summary="Takes the customer off a list.",
    settings=RemoveFromList,
    read=lambda fields: RemoveFromList(fields.text("remove_from_list")),
    write=lambda step: {"remove_from_list": step.list},
    schema={"$ref": "#/$defs/name", "description": "The list."},
    example="part: {remove_from_list: vip}",
)
