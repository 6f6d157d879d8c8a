"""Add to list: the customer joins a list that rules can ask for."""

from __future__ import annotations

from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.rule.definition import LIST_JOINED


class AddToList(Step, frozen=True, tag="add_to_list"):
    """Put `List Joined` on the tape."""

    list: str

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), *self.asks())

    def asks(self) -> tuple[Ask, ...]:
        return (Mark(LIST_JOINED, {"list": self.list}),)


ADD_TO_LIST = StepKind(
    name="add_to_list",
    group="do",
    title="Add to a list",
    summary="Puts the customer on a list.",
    settings=AddToList,
    read=lambda fields: AddToList(fields.text("add_to_list")),
    write=lambda step: {"add_to_list": step.list},
    schema={"$ref": "#/$defs/name", "description": "The list."},
    example="join: {add_to_list: vip}",
)
