"""Goal: whoever does what it names jumps here from any step above; whoever comes without waits or goes on."""

from __future__ import annotations

import numpy as np

from sojourn.journey.step import HOLD, THEN, Answer, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Rule
from sojourn.rule.text import dump
from sojourn.tape.tape import NEVER


class Goal(Step, frozen=True, tag="goal"):
    """Let those `then` for whom the rule holds; the others `otherwise`, or they wait for it."""

    rule: Rule
    wait: bool = False

    def exits(self) -> tuple[str, ...]:
        return ("then",) if self.wait else ("then", "otherwise")

    def answer(self, standing: Standing) -> Answer:
        reached, due = standing.holds(self.rule), np.full(len(standing.runs), NEVER)
        if self.wait and standing.world.timed(self.rule):
            due = standing.horizon(self.rule)
        return Answer(np.where(reached, 0, HOLD if self.wait else 1).astype(np.int32), due)

    def awaits(self) -> tuple[Rule, ...]:
        return (self.rule,)

    def draws(self) -> Rule | None:
        return self.rule

    def endless(self) -> bool:
        return self.wait


def _read(fields: Fields) -> Goal:
    inner = fields.mapping("goal")
    rule, wait = inner.rule("if"), inner.flag("wait")
    inner.done()
    return Goal(rule, wait)


GOAL = StepKind(
    name="goal",
    group="end",
    title="Goal",
    summary="Draws here, from any step above, whoever meets a condition.",
    settings=Goal,
    read=_read,
    write=lambda step: {"goal": {"if": dump(step.rule), **({"wait": True} if step.wait else {})}},
    schema={
        "type": "object",
        "properties": {
            "if": {"$ref": "#/$defs/rule", "description": "The condition; who meets it jumps here at once."},
            "wait": {
                "type": "boolean",
                "default": False,
                "description": "Hold whoever comes step by step until the condition holds.",
            },
        },
        "required": ["if"],
        "additionalProperties": False,
    },
    beside={
        "then": THEN,
        "otherwise": {
            "$ref": "#/$defs/step_id",
            "description": "Where those go who come step by step and do not meet it.",
        },
    },
    example="""
bought:
  goal: {if: {performed: Order Completed, since: entry}}
  then: thanks
  otherwise: reminder
""",
)
