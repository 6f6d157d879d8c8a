"""Add score: give the customer points, or take some."""

from __future__ import annotations

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import POINTS_ADDED


class AddScore(Step, frozen=True, tag="add_score"):
    """Put `Points Added` on the tape, which the score counts as it decays."""

    score: str
    points: float

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), *self.asks())

    def asks(self) -> tuple[Ask, ...]:
        return (Mark(POINTS_ADDED, {"score": self.score, "points": self.points}),)


def _read(fields: Fields) -> AddScore:
    inner = fields.mapping("add_score")
    score, points = inner.text("score"), inner.need("points")
    inner.done()
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < abs(points) <= 1e9:
        raise Invalid(f"must be a number other than 0, not {points!r}", place=inner.at("points"))
    return AddScore(score, float(points))


def _write(step: AddScore) -> dict[str, object]:
    points = int(step.points) if step.points.is_integer() else step.points
    return {"add_score": {"score": step.score, "points": points}}


ADD_SCORE = StepKind(
    name="add_score",
    group="do",
    title="Add to a score",
    summary="Gives the customer points of a score, or takes some.",
    settings=AddScore,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "score": {"$ref": "#/$defs/name", "description": "The score."},
            "points": {"type": "number", "description": "How many; below 0 takes some."},
        },
        "required": ["score", "points"],
        "additionalProperties": False,
    },
    example="keen: {add_score: {score: engagement, points: 10}}",
)
