"""Split: send shares of the customers different ways, each customer the same way for ever."""

from __future__ import annotations

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import Answer, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.tape.hashing import hash_text, mix, share
from sojourn.tape.tape import NEVER, Codes

HEAVIEST = 1e9


class Way(msgspec.Struct, frozen=True):
    """One arm and its weight among the others."""

    name: str
    weight: float = 1.0


class Split(Step, frozen=True, tag="split"):
    """Arms drawn by a hash of (journey, step, customer)."""

    ways: tuple[Way, ...]

    def exits(self) -> tuple[str, ...]:
        return tuple(way.name for way in self.ways)

    def answer(self, standing: Standing) -> Answer:
        return Answer(drawn(standing, self.ways), np.full(len(standing.runs), NEVER))


def drawn(standing: Standing, ways: tuple[Way, ...]) -> Codes:
    """The arm that each run's customer is drawn for, the same for ever: int32[m]."""
    customers = standing.world.tape.customers[standing.runs.rows]
    shares = share(mix(hash_text(standing.journey), hash_text(standing.step), customers))
    weights = np.array([way.weight for way in ways])
    bounds = np.cumsum(weights)[:-1] / weights.sum()
    return np.searchsorted(bounds, shares, "right").astype(np.int32)


def read_ways(fields: Fields, key: str) -> tuple[Way, ...]:
    """The arms under `key`, each of a name of its own."""
    ways: list[Way] = []
    for number, item in enumerate(fields.ways(key), start=1):
        way = _read_way(item, str(number))
        if way.name in (other.name for other in ways):
            raise Invalid(f"the arm {way.name!r} is there twice", place=item.at("name"))
        ways.append(way)
    return tuple(ways)


def write_ways(ways: tuple[Way, ...]) -> list[dict[str, object]]:
    """What `read_ways` reads."""
    return [_write_way(way, str(number)) for number, way in enumerate(ways, start=1)]


def _read_way(item: Fields, number: str) -> Way:
    weight, name = item.take("weight", 1), item.text("name", number)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= HEAVIEST:
        raise Invalid(f"must be a number above 0, not {weight!r}", place=item.at("weight"))
    item.done()
    return Way(name, float(weight))


def _write_way(way: Way, number: str) -> dict[str, object]:
    name = {} if way.name == number else {"name": way.name}
    return {**name, "weight": int(way.weight) if way.weight.is_integer() else way.weight}


ARMS = {
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
}
"""The schema of a list of arms."""

SPLIT = StepKind(
    name="split",
    group="decide",
    title="Split",
    summary="Sends shares of the customers different ways, drawn at random but for each always the same.",
    settings=Split,
    read=lambda fields: Split(read_ways(fields, "split")),
    write=lambda step: {"split": write_ways(step.ways)},
    schema=ARMS,
    example="""
arms:
  split:
    - {name: short, weight: 1, then: short_mail}
    - {name: long, weight: 2, then: long_mail}
""",
)
