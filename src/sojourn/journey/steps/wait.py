"""Wait: hold for a span of time; `1 day` is the same wall-clock time tomorrow, `24 hours` is 24 hours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import Answer, Standing, Step, StepKind, hold_until, zoned
from sojourn.journey.text.fields import Fields
from sojourn.rule.span import Span
from sojourn.tape.grain import on_grain
from sojourn.tape.hashing import mix, share


class Wait(Step, frozen=True, tag="wait"):
    """Hold for `span` from arrival, on the customer's own calendar; with `most`, up to that, by hash."""

    span: Span
    most: Span | None = None

    def answer(self, standing: Standing) -> Answer:
        due = standing.later(self.span)
        if self.most:
            room = standing.later(self.most) - due
            drawn = share(mix(standing.runs.ids, standing.runs.hops.astype(np.int64)))
            due = on_grain(due + (drawn * room).astype(np.int64))
        return hold_until(due, standing.now)

    def holds(self) -> bool:
        return True

    def zoned(self) -> bool:
        return zoned(self.span) or (self.most is not None and zoned(self.most))


def _read(fields: Fields) -> Wait:
    if not isinstance(fields.need("wait"), Mapping):
        return Wait(fields.span("wait"))
    inner = fields.mapping("wait")
    least, most = inner.span("from"), inner.span("to")
    inner.done()
    if most.length <= least.length:
        raise Invalid(f"must be longer than {least}, from which on it is drawn", place=inner.at("to"))
    return Wait(least, most)


def _write(step: Wait) -> dict[str, object]:
    return {"wait": {"from": str(step.span), "to": str(step.most)} if step.most else str(step.span)}


WAIT = StepKind(
    name="wait",
    group="time",
    title="Wait",
    summary="Holds for a span of time.",
    settings=Wait,
    read=_read,
    write=_write,
    schema={
        "anyOf": [
            {
                "$ref": "#/$defs/span",
                "description": "How long. `1 day` is the same time tomorrow by the customer's clock; "
                "`24 hours` is 24 hours.",
            },
            {
                "type": "object",
                "description": "At random, so that the load is spread; for each run always the same.",
                "properties": {
                    "from": {"$ref": "#/$defs/span", "description": "The shortest."},
                    "to": {"$ref": "#/$defs/span", "description": "The longest."},
                },
                "required": ["from", "to"],
                "additionalProperties": False,
            },
        ]
    },
    example="pause: {wait: 2 days}",
)
