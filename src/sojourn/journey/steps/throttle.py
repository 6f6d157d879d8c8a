"""Throttle: let only so many through in an hour; the others wait in the order in which they came."""

from __future__ import annotations

import numpy as np

from sojourn.journey.step import HOLD, Answer, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields

HOUR = 3600.0
MOST = 3_600_000


class Throttle(Step, frozen=True, tag="throttle"):
    """Let `per_hour` runs through, evenly apart; a backtest lets all through, as it plays customers apart."""

    per_hour: int

    def answer(self, standing: Standing) -> Answer:
        due, arriving = standing.runs.due.copy(), standing.arriving
        if arriving.any():
            name = f"{standing.journey}/{standing.step}"
            due[arriving] = standing.world.pace(name, self.per_hour / HOUR, standing.now[arriving])
        return Answer(np.where(due <= standing.now, 0, HOLD).astype(np.int32), due)

    def paced(self) -> bool:
        return True


def _read(fields: Fields) -> Throttle:
    inner = fields.mapping("throttle")
    rate = inner.whole("per_hour", MOST)
    inner.done()
    return Throttle(rate)


THROTTLE = StepKind(
    name="throttle",
    group="time",
    title="Throttle",
    summary="Lets only so many through in an hour.",
    settings=Throttle,
    read=_read,
    write=lambda step: {"throttle": {"per_hour": step.per_hour}},
    schema={
        "type": "object",
        "properties": {
            "per_hour": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST,
                "description": "How many runs in an hour; they go on evenly apart.",
            }
        },
        "required": ["per_hour"],
        "additionalProperties": False,
    },
    example="pace: {throttle: {per_hour: 500}}",
)
