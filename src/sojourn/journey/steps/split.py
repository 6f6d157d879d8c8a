"""Split: send shares of the customers different ways, each customer the same way for ever."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind
from sojourn.tape.hashing import hash_text, mix, share
from sojourn.tape.tape import NEVER


class Way(Step, frozen=True):
    """One arm and its weight among the others."""

    name: str
    weight: float


class Split(Step, frozen=True, tag="split"):
    """Arms drawn by a hash of (journey, step, customer)."""

    ways: tuple[Way, ...]

    def exits(self) -> tuple[str, ...]:
        return tuple(way.name for way in self.ways)

    def answer(self, standing: Standing) -> Answer:
        customers = standing.world.tape.customers[standing.runs.rows]
        drawn = share(mix(hash_text(standing.journey), hash_text(standing.step), customers))
        weights = np.array([way.weight for way in self.ways])
        bounds = np.cumsum(weights)[:-1] / weights.sum()
        return Answer(np.searchsorted(bounds, drawn, "right").astype(np.int32), np.full(len(drawn), NEVER))


def _read(fields: Fields) -> Split:
    ways: list[Way] = []
    for number, item in enumerate(fields.items("split"), start=1):
        weight, name = item.take("weight", 1), item.text("name", str(number))
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < 1e9:
            raise Invalid(f"must be a number above 0, not {weight!r}", place=f"{item.place}.weight")
        if name in (way.name for way in ways):
            raise Invalid(f"the arm {name!r} is there twice", place=f"{item.place}.name")
        item.target(name)
        item.done()
        ways.append(Way(name, float(weight)))
    return Split(tuple(ways))


def _write(step: Split, targets: Mapping[str, str]) -> dict[str, object]:
    def arm(number: int, way: Way) -> dict[str, object]:
        named = {} if way.name == str(number) else {"name": way.name}
        weight = int(way.weight) if way.weight.is_integer() else way.weight
        return {**named, "weight": weight, **({"then": targets[way.name]} if way.name in targets else {})}

    return {"split": [arm(number, way) for number, way in enumerate(step.ways, start=1)]}


SPLIT = StepKind(
    name="split",
    group="decide",
    title="Split",
    summary="Sends shares of the customers different ways, at random but always the same.",
    settings=Split,
    read=_read,
    write=_write,
    schema={
        "type": "array",
        "minItems": 2,
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "weight": {"type": "number", "exclusiveMinimum": 0},
                "then": {"type": "string"},
            },
            "additionalProperties": False,
        },
    },
)
