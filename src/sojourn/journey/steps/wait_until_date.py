"""Wait until a date: hold until a date in a trait or in the entering event, or some time before or after."""

from __future__ import annotations

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import HOLD, THEN, Answer, Standing, Step, StepKind, zoned
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Comparison, Entry, Rule, Trait
from sojourn.rule.span import Span, parse_span
from sojourn.tape.grain import on_grain
from sojourn.tape.tape import LONG_AGO, NEVER


class Off(msgspec.Struct, frozen=True):
    """How far the instant lies before or after the date."""

    span: Span
    before: bool


class WaitUntilDate(Step, frozen=True, tag="wait_until_date"):
    """Hold until the date that `name` holds; who has no such date, or comes after it, goes `otherwise`.

    A change of the trait moves the instant; a date without a time is midnight in the workspace's zone.
    """

    name: str
    entry: bool = False  # a property of the event that began the run
    off: Off | None = None

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise")

    def answer(self, standing: Standing) -> Answer:
        due = standing.dates(self.name, entry=self.entry)
        known = due != LONG_AGO
        if self.off:
            due = np.where(known, standing.off(due, self.off.span, before=self.off.before), due)
        due = on_grain(due)
        missed = ~known | (due < standing.runs.since)
        exits = np.where(missed, 1, np.where(due <= standing.now, 0, HOLD))
        return Answer(exits.astype(np.int32), np.where(known, due, NEVER))

    def awaits(self) -> tuple[Rule, ...]:
        return (Entry(self.name, _ANY),) if self.entry else (Trait(self.name, _ANY),)

    def zoned(self) -> bool:
        return self.off is not None and zoned(self.off.span)


_ANY = (Comparison("exists", True),)


def _read(fields: Fields) -> WaitUntilDate:
    inner = fields.mapping("wait_until_date")
    if ("trait" in inner.data) == ("entry" in inner.data):
        raise Invalid("needs either 'trait' or 'entry', which says where the date is", place=inner.place)
    offs = [key for key in ("before", "after") if key in inner.data]
    if len(offs) == 2:
        raise Invalid("is before the date or after it, not both", place=inner.at("after"))
    off = Off(parse_span(inner.take(offs[0]), inner.at(offs[0])), offs[0] == "before") if offs else None
    entry = "entry" in inner.data
    found = WaitUntilDate(inner.text("entry" if entry else "trait"), entry, off)
    inner.done()
    return found


def _write(step: WaitUntilDate) -> dict[str, object]:
    off = {"before" if step.off.before else "after": str(step.off.span)} if step.off else {}
    return {"wait_until_date": {"entry" if step.entry else "trait": step.name, **off}}


WAIT_UNTIL_DATE = StepKind(
    name="wait_until_date",
    group="time",
    title="Wait until a date",
    summary="Holds until a date in a trait or in the entering event, or some time before or after.",
    settings=WaitUntilDate,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "trait": {"$ref": "#/$defs/name", "description": "The trait that holds the date."},
            "entry": {"$ref": "#/$defs/name", "description": "Or the property of the entering event."},
            "before": {"$ref": "#/$defs/span", "description": "How long before the date."},
            "after": {"$ref": "#/$defs/span", "description": "Or how long after it."},
        },
        "additionalProperties": False,
    },
    beside={
        "then": THEN,
        "otherwise": {
            "$ref": "#/$defs/step_id",
            "description": "Where those go who have no such date, or come after it.",
        },
    },
    example="ending: {wait_until_date: {trait: trial_ends, before: 3 days}, otherwise: late}",
)
