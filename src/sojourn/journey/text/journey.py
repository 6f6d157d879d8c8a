"""Reads and writes a whole journey as YAML; a mistake is named by file, line and path."""

from __future__ import annotations

from collections.abc import Collection
from reprlib import repr as shown

from sojourn.errors import Invalid
from sojourn.journey.definition import Journey, Opening
from sojourn.journey.text.enter import read_goal, read_trigger, write_goal, write_trigger
from sojourn.journey.text.fields import Fields, mapping_at
from sojourn.journey.text.source import Source, written
from sojourn.journey.text.steps import read_steps, write_steps
from sojourn.rule.span import parse_date
from sojourn.rule.text import dump

LONGEST_NAME = 100
HIGHEST_PRIORITY = 1_000_000
FARTHEST = 1e9  # from the middle of the canvas


def read_journey(text: str, source: str = "") -> Journey:
    """The journey that the YAML `text` describes; Invalid with file, line and path of the first mistake."""
    document = Source(text, source)
    try:
        return journey_of(document.data())
    except Invalid as error:
        raise document.located(error) from error


def write_journey(journey: Journey) -> str:
    """The journey as YAML, in the one form that this module writes; `read_journey` reads it back."""
    return written(data_of(journey))


def journey_of(data: object) -> Journey:
    """The journey that plain data describe; Invalid with the path of the first mistake."""
    fields = Fields(mapping_at(data, ""))
    name = _name(fields)
    enter = tuple(read_trigger(item, name) for item in fields.items("enter"))
    steps = read_steps(fields.mapping("steps"))
    journey = Journey(
        name=name,
        enter=enter,
        steps=steps,
        goal=read_goal(fields.mapping("goal")) if "goal" in fields.data else None,
        leave_if=fields.rule("leave_if") if "leave_if" in fields.data else None,
        opening=_opening(fields.mapping("open")) if "open" in fields.data else None,
        holdout=_share(fields.take("holdout", 0)),
        priority=_priority(fields.take("priority", 0)),
        canvas=_canvas(fields, [placed.id for placed in steps]),
    )
    fields.done()
    return journey


def data_of(journey: Journey) -> dict[str, object]:
    """The journey as plain data, with nothing in it that is the default."""
    data: dict[str, object] = {"journey": journey.name}
    data["enter"] = [write_trigger(trigger, journey.name) for trigger in journey.enter]
    if journey.goal:
        data["goal"] = write_goal(journey.goal)
    if journey.leave_if:
        data["leave_if"] = dump(journey.leave_if)
    if journey.opening:
        limits = {"from": journey.opening.begins, "until": journey.opening.ends}
        data["open"] = {name: limit for name, limit in limits.items() if limit}
    if journey.holdout:
        data["holdout"] = _percent(journey.holdout)
    if journey.priority:
        data["priority"] = journey.priority
    data["steps"] = write_steps(journey.steps)
    if journey.canvas:
        data["canvas"] = {step: list(at) for step, at in journey.canvas.items()}
    return data


def _name(fields: Fields) -> str:
    name = fields.text("journey")
    if len(name) > LONGEST_NAME or name != name.strip() or not name.isprintable():
        raise Invalid(f"must be at most {LONGEST_NAME} letters on one line", place="journey")
    return name


def _opening(fields: Fields) -> Opening:
    begins, ends = (
        parse_date(fields.take(key), fields.at(key)) if key in fields.data else ""
        for key in ("from", "until")
    )
    fields.done()
    opening = Opening(begins, ends)
    first, last = opening.extent("UTC")
    if first >= last:
        raise Invalid("lies before the day from which it is open", place=fields.at("until"))
    return opening


def _share(data: object) -> float:
    text = str(data).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        raise Invalid(f"must be a share such as '10%' or 0.1, below 100%, not {shown(data)}", place="holdout")
    return share


def _percent(share: float) -> str | float:
    """The share in percent if that is the very same number."""
    text = f"{share * 100:g}%"
    return text if _share(text) == share else share


def _priority(data: object) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or abs(data) > HIGHEST_PRIORITY:
        raise Invalid(f"must be a whole number; the lowest goes first, not {shown(data)}", place="priority")
    return data


def _canvas(fields: Fields, steps: Collection[str]) -> dict[str, tuple[float, float]]:
    """Where the steps are drawn."""
    if not fields.take("canvas"):
        return {}
    places = fields.mapping("canvas")
    for step, at in places.data.items():
        if step not in steps:
            raise Invalid(f"there is no step {step!r}", place=places.at(step))
        if not (isinstance(at, list) and len(at) == 2 and all(_is_number(one) for one in at)):
            raise Invalid(f"must be [x, y], not {shown(at)}", place=places.at(step))
    return {step: (at[0], at[1]) for step, at in places.data.items() if isinstance(at, list)}


def _is_number(data: object) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool) and abs(data) < FARTHEST
