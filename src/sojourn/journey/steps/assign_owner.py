"""Assign owner: give the customer somebody of the team who looks after them."""

from __future__ import annotations

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Asked, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Comparison, Rule, Trait
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import NEVER

OWNER = "owner"
"""The trait that holds who looks after a customer."""

OWNED = Trait(OWNER, (Comparison("exists", True),))

ASSIGNED = Mark("Owner Assigned", traits={OWNER: ""})


class AssignOwner(Step, frozen=True, tag="assign_owner"):
    """Set the trait `owner`: of several the next in turn, by the customers' numbers.

    Who has an owner already keeps them if `keep`.
    """

    owners: tuple[str, ...]
    keep: bool = False

    def answer(self, standing: Standing) -> Answer:
        n = len(standing.runs)
        customers = standing.world.tape.customers[standing.runs.rows]
        turn = (customers + hash_text(standing.step)) % len(self.owners)
        owners = np.array(self.owners, np.object_)[turn]
        who = ~standing.has(OWNER) if self.keep else np.ones(n, np.bool_)
        asked = Asked(Mark("Owner Assigned"), who, properties={OWNER: owners}, traits={OWNER: owners})
        return Answer(np.zeros(n, np.int32), np.full(n, NEVER), (asked,))

    def asks(self) -> tuple[Ask, ...]:
        return (ASSIGNED,)

    def rules(self) -> tuple[Rule, ...]:
        return (OWNED,) if self.keep else ()


def _read(fields: Fields) -> AssignOwner:
    if isinstance(fields.need("assign_owner"), str):
        return AssignOwner((fields.text("assign_owner"),))
    inner = fields.mapping("assign_owner")
    found = AssignOwner(inner.names("in_turn"), inner.flag("keep"))
    inner.done()
    if len(set(found.owners)) < len(found.owners):
        raise Invalid("names somebody twice", place=inner.at("in_turn"))
    return found


def _write(step: AssignOwner) -> dict[str, object]:
    if len(step.owners) == 1 and not step.keep:
        return {"assign_owner": step.owners[0]}
    return {"assign_owner": {"in_turn": list(step.owners), **({"keep": True} if step.keep else {})}}


ASSIGN_OWNER = StepKind(
    name="assign_owner",
    group="do",
    title="Assign an owner",
    summary="Gives the customer somebody of the team who looks after them.",
    settings=AssignOwner,
    read=_read,
    write=_write,
    schema={
        "anyOf": [
            {"$ref": "#/$defs/name", "description": "Whom."},
            {
                "type": "object",
                "properties": {
                    "in_turn": {
                        "type": "array",
                        "minItems": 1,
                        "uniqueItems": True,
                        "items": {"$ref": "#/$defs/name"},
                        "description": "One after the other, in the order in which customers became known.",
                    },
                    "keep": {
                        "type": "boolean",
                        "default": False,
                        "description": "Leave those alone who have an owner.",
                    },
                },
                "required": ["in_turn"],
                "additionalProperties": False,
            },
        ]
    },
    example="sales: {assign_owner: {in_turn: [anna, ben], keep: true}}",
)
