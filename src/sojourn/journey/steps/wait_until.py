"""Wait until: hold until the customer's clock shows a time of day, on allowed weekdays."""

from __future__ import annotations

import re

from sojourn.errors import Invalid
from sojourn.journey.step import Answer, Standing, Step, StepKind, hold_until
from sojourn.journey.text.fields import Fields
from sojourn.tape.grain import on_grain
from sojourn.tape.zones import next_wall

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_TIME = re.compile(TIME, re.ASCII)


class WaitUntil(Step, frozen=True, tag="wait_until"):
    """Hold until `minute` of the day (0 to 1439), on one of `weekdays` (0 is Monday; none: any).

    Who arrives at that very instant goes on at once, so a loop needs another wait in it.
    """

    minute: int
    weekdays: tuple[int, ...] = ()

    def answer(self, standing: Standing) -> Answer:
        allowed = frozenset(self.weekdays) or None
        since, zone = standing.runs.since, standing.world.zone
        due = next_wall(since, self.minute, allowed, *standing.zones(), zone)
        return hold_until(on_grain(due), standing.now)

    def zoned(self) -> bool:
        return True


def _read(fields: Fields) -> WaitUntil:
    inner = fields.mapping("wait_until")
    time = _TIME.fullmatch(inner.text("time"))
    if time is None:
        raise Invalid("must be a time of day such as '09:00', in quotes", place=inner.at("time"))
    weekdays = inner.take("weekdays", [])
    if not isinstance(weekdays, list) or not all(day in WEEKDAYS for day in weekdays):
        raise Invalid(f"must be a list of {', '.join(WEEKDAYS)}", place=inner.at("weekdays"))
    inner.done()
    chosen = tuple(number for number, name in enumerate(WEEKDAYS) if name in weekdays)
    return WaitUntil(int(time[1]) * 60 + int(time[2]), chosen)


def _write(step: WaitUntil) -> dict[str, object]:
    weekdays = {"weekdays": [WEEKDAYS[day] for day in step.weekdays]} if step.weekdays else {}
    return {"wait_until": {"time": f"{step.minute // 60:02}:{step.minute % 60:02}", **weekdays}}


WAIT_UNTIL = StepKind(
    name="wait_until",
    group="time",
    title="Wait until",
    summary="Holds until a time of day and a weekday by the customer's clock.",
    settings=WaitUntil,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "time": {"type": "string", "pattern": f"^{TIME}$", "description": "The time of day, in quotes."},
            "weekdays": {
                "type": "array",
                "items": {"enum": list(WEEKDAYS)},
                "description": "Only on these; by default on any day.",
            },
        },
        "required": ["time"],
        "additionalProperties": False,
    },
    example='morning: {wait_until: {time: "09:00", weekdays: [monday, thursday]}}',
)
