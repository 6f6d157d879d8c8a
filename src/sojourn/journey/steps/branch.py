"""Branch: take the first way whose condition holds, otherwise the last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind
from sojourn.rule.definition import Rule
from sojourn.rule.text import dump, parse
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
    ways = []
    for number, way in enumerate(fields.items("branch"), start=1):
        ways.append(parse(way.need("if"), f"{way.place}.if"))
        way.target(str(number))
        way.done()
    fields.target("otherwise", "otherwise")
    fields.take("otherwise")
    return Branch(tuple(ways))


def _write(step: Branch, targets: Mapping[str, str]) -> dict[str, object]:
    ways: list[dict[str, object]] = []
    for number, rule in enumerate(step.ways, start=1):
        target = targets.get(str(number))
        ways.append({"if": dump(rule), **({"then": target} if target else {})})
    otherwise = {"otherwise": targets["otherwise"]} if "otherwise" in targets else {}
    return {"branch": ways, **otherwise}


BRANCH = StepKind(
    name="branch",
    group="decide",
    title="Branch",
    summary="Sends each customer the first way whose condition holds.",
    settings=Branch,
    read=_read,
    write=_write,
    schema={
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {"if": {"$ref": "#/$defs/rule"}, "then": {"type": "string"}},
            "required": ["if"],
            "additionalProperties": False,
        },
    },
    beside={"otherwise": {"type": "string"}},
)
