"""Experiment: send shares of the customers different ways, and all of them the best way once it is known."""

from __future__ import annotations

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Asked, Standing, Step, StepKind
from sojourn.journey.steps.split import ARMS, Way, drawn, read_ways, write_ways
from sojourn.journey.text.fields import Fields
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import NEVER

BY_HAND, WHEN_SURE = "by hand", "when sure"

GIVEN = Mark("Variant Given")


class Experiment(Step, frozen=True, tag="experiment"):
    """Variants drawn by a hash of (journey, step, customer), until one of them has won.

    Which variant a run got is a mark on the tape; whoever comes after the decision gets the winner, and
    no mark, as they tell nothing about the others.
    """

    ways: tuple[Way, ...]
    decide: str = BY_HAND

    def exits(self) -> tuple[str, ...]:
        return tuple(way.name for way in self.ways)

    @property
    def digest(self) -> int:
        """What tells this experiment from another in its place."""
        return hash_text(repr(self.ways))

    def answer(self, standing: Standing) -> Answer:
        exits, open_still = drawn(standing, self.ways), np.ones(len(standing.runs), np.bool_)
        won = standing.world.winners.get((standing.journey, standing.step))
        if won and won.ways == self.digest:
            open_still = standing.now < won.since
            exits = np.where(open_still, exits, self.exits().index(won.variant)).astype(np.int32)
        names = np.array(self.exits(), np.object_)[exits]
        asked = Asked(GIVEN, open_still, properties={"variant": names})
        return Answer(exits, np.full(len(exits), NEVER), (asked,))

    def asks(self) -> tuple[Ask, ...]:
        return (GIVEN,)


def _read(fields: Fields) -> Experiment:
    ways, decide = read_ways(fields, "experiment"), fields.text("decide", BY_HAND)
    if decide not in (BY_HAND, WHEN_SURE):
        raise Invalid(f"must be {BY_HAND!r} or {WHEN_SURE!r}, not {decide!r}", place=fields.at("decide"))
    if len(ways) < 2:
        raise Invalid("needs two variants at least, to be compared", place=fields.at("experiment"))
    return Experiment(ways, decide)


def _write(step: Experiment) -> dict[str, object]:
    decide = {"decide": step.decide} if step.decide != BY_HAND else {}
    return {"experiment": write_ways(step.ways), **decide}


EXPERIMENT = StepKind(
    name="experiment",
    group="decide",
    title="Experiment",
    summary="Sends shares of the customers different ways, and all of them the best one once it is known.",
    settings=Experiment,
    read=_read,
    write=_write,
    schema={**ARMS, "minItems": 2, "description": "The variants."},
    beside={
        "decide": {
            "enum": [BY_HAND, WHEN_SURE],
            "default": BY_HAND,
            "description": "Who says which has won: you, or Sojourn as soon as it is sure.",
        }
    },
    example="""
subject:
  experiment:
    - {name: question, then: question_mail}
    - {name: offer, then: offer_mail}
  decide: when sure
""",
)
