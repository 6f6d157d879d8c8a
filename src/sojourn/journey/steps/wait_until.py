"""Wait until: hold until the customer's clock shows a time of day, on allowed weekdays."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sojourn.errors import Invalid
from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind, hold_until
from sojourn.tape.grain import on_grain
from sojourn.tape.zones import next_wall

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class WaitUntil(Step, frozen=True, tag="wait_until"):
    """Hold until `minute` of the day (0 to 1439), on one of `weekdays` (0 is Monday; none: any)."""

    minute: int
    weekdays: tuple[int, ...] = ()

    def answer(self, standing: Standing) -> Answer:
        allowed = frozenset(self.weekdays) or None
        zones = standing.zones()
        due = next_wall(standing.runs.since, self.minute, allowed, *zones, standing.world.zone)
        return hold_until(on_grain(due), standing.now)

    def holds(self) -> bool:
        return True


def _read(fields: Fields) -> WaitUntil:
    fields.target("then")
    inner = fields.mapping("wait_until")
    time = _TIME.fullmatch(inner.text("time"))
    if time is None:
        raise Invalid("must be a time of day such as '09:00'", place=f"{inner.place}.time")
    weekdays = inner.take("weekdays", [])
    if not isinstance(weekdays, list) or not set(weekdays) <= set(WEEKDAYS):
        raise Invalid(f"must be a list of {', '.join(WEEKDAYS)}", place=f"{inner.place}.weekdays")
    inner.done()
    chosen = tuple(number for number, name in enumerate(WEEKDAYS) if name in weekdays)
    return WaitUntil(int(time[1]) * 60 + int(time[2]), chosen)


def _write(step: WaitUntil, targets: Mapping[str, str]) -> dict[str, object]:
    body: dict[str, object] = {"time": f"{step.minute // 60:02}:{step.minute % 60:02}"}
    if step.weekdays:
        body["weekdays"] = [WEEKDAYS[day] for day in step.weekdays]
    return {"wait_until": body, **targets}


WAIT_UNTIL = StepKind(
    name="wait_until",
    group="time",
    title="Wait until",
    summary="Holds until a time of day and a weekday in the customer's zone.",
    settings=WaitUntil,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "time": {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"},
            "weekdays": {"type": "array", "items": {"enum": list(WEEKDAYS)}},
        },
        "required": ["time"],
        "additionalProperties": False,
    },
)
