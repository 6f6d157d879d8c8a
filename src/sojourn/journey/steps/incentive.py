"""Incentive: give the customer a code of their own, from a pool or made by a pattern."""

from __future__ import annotations

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark, Values, effect_keys
from sojourn.journey.step import THEN, Answer, Asked, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.tape.tape import NEVER, Ints

LETTERS = np.array(list("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
"""Crockford's base 32, in which no two letters look alike."""

LEAST = 10
"""Letters that a pattern leaves open: with a million codes two are alike once in two thousand times."""


class Incentive(Step, frozen=True, tag="incentive"):
    """Give the trait `trait` a code: of `pool` the next that is free, or by `pattern`, whose `?` are drawn.

    Who comes when the pool is empty goes `otherwise`.
    """

    pool: str = ""
    pattern: str = ""
    trait: str = "code"

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise") if self.pool else ("then",)

    def answer(self, standing: Standing) -> Answer:
        keys = effect_keys(standing.runs.ids, standing.runs.hops)
        codes = standing.world.allot(self.pool, keys) if self.pool else by_pattern(self.pattern, keys)
        given = np.asarray(codes != "", np.bool_)
        mark = Mark("Incentive Given", self._told)
        asked = Asked(mark, given, properties={"code": codes}, traits={self.trait: codes})
        return Answer((~given).astype(np.int32), np.full(len(keys), NEVER), (asked,))

    @property
    def _told(self) -> dict[str, str]:
        return {"pool": self.pool} if self.pool else {}

    def asks(self) -> tuple[Ask, ...]:
        return (Mark("Incentive Given", self._told, {self.trait: ""}),)


def by_pattern(pattern: str, keys: Ints) -> Values:
    """A code for each key, object[n]: the pattern with a letter of the key's own for each `?`."""
    letters = np.tile(np.array(list(pattern)), (len(keys), 1))
    for place, column in enumerate(np.flatnonzero(np.array(list(pattern)) == "?")):
        letters[:, column] = LETTERS[(keys >> (5 * place)) & 31]
    return np.ascontiguousarray(letters).view(f"U{len(pattern)}").ravel().astype(np.object_)


def _read(fields: Fields) -> Incentive:
    inner = fields.mapping("incentive")
    found = Incentive(inner.text("pool", ""), inner.text("pattern", ""), inner.text("trait", "code"))
    inner.done()
    if bool(found.pool) == bool(found.pattern):
        raise Invalid("needs either 'pool' or 'pattern'", place=inner.place)
    if found.pattern and not LEAST <= found.pattern.count("?") <= 12:
        what = f"needs {LEAST} to 12 '?', each for one letter, so that no two codes are alike"
        raise Invalid(what, place=inner.at("pattern"))
    return found


def _write(step: Incentive) -> dict[str, object]:
    source = {"pool": step.pool} if step.pool else {"pattern": step.pattern}
    return {"incentive": {**source, **({"trait": step.trait} if step.trait != "code" else {})}}


INCENTIVE = StepKind(
    name="incentive",
    group="say",
    title="Give an incentive",
    summary="Gives the customer a code of their own, from a pool or made by a pattern.",
    settings=Incentive,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "pool": {"$ref": "#/$defs/name", "description": "The imported codes to give from, each once."},
            "pattern": {
                "type": "string",
                "description": f"Or how codes look; each `?`, of which there are {LEAST} to 12, is a letter.",
            },
            "trait": {
                "$ref": "#/$defs/name",
                "default": "code",
                "description": "The trait that holds the code, for templates.",
            },
        },
        "additionalProperties": False,
    },
    beside={
        "then": THEN,
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go who come to an empty pool."},
    },
    example="gift: {incentive: {pattern: 'SPRING-??????????', trait: coupon}}",
)
