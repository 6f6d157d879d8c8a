"""Branch: take the first way whose condition holds, otherwise the last."""

from __future__ import annotations

import numpy as np

from sojourn.journey.step import Answer, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Rule
from sojourn.rule.text import dump
from sojourn.tape.tape import NEVER


class Branch(Step, frozen=True, tag="branch"):
    """As many ways as `ways`, numbered from 1, and `otherwise`."""

    ways: tuple[Rule, ...]

    def exits(self) -> tuple[str, ...]:
        return (*(str(number) for number in range(1, len(self.ways) + 1)), "otherwise")

    def answer(self, standing: Standing) -> Answer:
        n, otherwise = len(standing.runs), len(self.ways)
        exits = np.full(n, otherwise, np.int32)
        for number, way in enumerate(self.ways):
            exits[standing.holds(way) & (exits == otherwise)] = number
        return Answer(exits, np.full(n, NEVER))

    def rules(self) -> tuple[Rule, ...]:
        return self.ways


def _read(fields: Fields) -> Branch:
    return Branch(tuple(_read_way(way) for way in fields.ways("branch")))


def _read_way(way: Fields) -> Rule:
    rule = way.rule("if")
    way.done()
    return rule


BRANCH = StepKind(
    name="branch",
    group="decide",
    title="Branch",
    summary="Sends each customer the first way whose condition holds.",
    settings=Branch,
    read=_read,
    write=lambda step: {"branch": [{"if": dump(rule)} for rule in step.ways]},
    schema={
        "type": "array",
        "minItems": 1,
        "description": "The ways, asked in this order.",
        "items": {
            "type": "object",
            "properties": {"if": {"$ref": "#/$defs/rule", "description": "The condition."}},
            "required": ["if"],
            "additionalProperties": False,
        },
    },
    beside={
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go for whom no condition holds."}
    },
    example="""
choice:
  branch:
    - {if: {clicked: hello}, then: offer}
    - {if: {trait: plan, is: paid}, then: thanks}
  otherwise: reminder
""",
)
