"""Loop: go back to a step above, at most so many rounds."""

from __future__ import annotations

import numpy as np

from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import HERE, Answer, Asked, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Outcome, Rule
from sojourn.tape.tape import NEVER

MOST = 1000

ROUND = Mark("Round Begun")
_ROUNDS = Outcome("repeated", step=HERE)


class Loop(Step, frozen=True, tag="loop"):
    """Send the run `back_to` a step `rounds` times, then `otherwise`, counted over the whole run by marks."""

    rounds: int

    def exits(self) -> tuple[str, ...]:
        return ("back_to", "otherwise")

    def answer(self, standing: Standing) -> Answer:
        before = standing.times(_ROUNDS)
        exits = (before >= self.rounds).astype(np.int32)
        return Answer(exits, np.full(len(exits), NEVER), (Asked(ROUND, exits == 0),))

    def rules(self) -> tuple[Rule, ...]:
        return (_ROUNDS,)

    def asks(self) -> tuple[Ask, ...]:
        return (ROUND,)


def _read(fields: Fields) -> Loop:
    inner = fields.mapping("loop")
    rounds = inner.whole("rounds", MOST)
    inner.done()
    return Loop(rounds)


LOOP = StepKind(
    name="loop",
    group="connect",
    title="Loop",
    summary="Goes back to a step, at most so many rounds.",
    settings=Loop,
    read=_read,
    write=lambda step: {"loop": {"rounds": step.rounds}},
    schema={
        "type": "object",
        "properties": {
            "rounds": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST,
                "description": "How often a run goes back at most.",
            }
        },
        "required": ["rounds"],
        "additionalProperties": False,
    },
    beside={
        "back_to": {"$ref": "#/$defs/step_id", "description": "The step to go back to."},
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where a run goes after its last round."},
    },
    example="more: {loop: {rounds: 3}, back_to: hello, otherwise: bye}",
)
