"""Split: send shares of the customers different ways, each customer the same way for ever."""

from __future__ import annotations

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import Answer, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.tape.hashing import hash_text, mix, share
from sojourn.tape.tape import NEVER

HEAVIEST = 1e9


class Way(msgspec.Struct, frozen=True):
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
    for number, item in enumerate(fields.ways("split"), start=1):
        way = _read_way(item, str(number))
        if way.name in (other.name for other in ways):
            raise Invalid(f"the arm {way.name!r} is there twice", place=item.at("name"))
        ways.append(way)
    return Split(tuple(ways))


def _read_way(item: Fields, number: str) -> Way:
    weight, name = item.take("weight", 1), item.text("name", number)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= HEAVIEST:
        raise Invalid(f"must be a number above 0, not {weight!r}", place=item.at("weight"))
    item.done()
    return Way(name, float(weight))


def _write(step: Split) -> dict[str, object]:
    return {"split": [_write_way(way, str(number)) for number, way in enumerate(step.ways, start=1)]}


def _write_way(way: Way, number: str) -> dict[str, object]:
    name = {} if way.name == number else {"name": way.name}
    return {**name, "weight": int(way.weight) if way.weight.is_integer() else way.weight}


SPLIT = StepKind(
    name="split",
    group="decide",
    title="Split",
    summary="Sends shares of the customers different ways, drawn at random but for each always the same.",
    settings=Split,
    read=_read,
    write=_write,
    schema={
        "type": "array",
        "minItems": 1,
        "description": "The arms.",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "What reports call it; by default its number."},
                "weight": {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": HEAVIEST,
                    "default": 1,
                    "description": "Its share among the weights of all arms.",
                },
            },
            "additionalProperties": False,
        },
    },
    example="""
arms:
  split:
    - {name: short, weight: 1, then: short_mail}
    - {name: long, weight: 2, then: long_mail}
""",
)
