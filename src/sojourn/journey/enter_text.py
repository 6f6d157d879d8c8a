"""Reads and writes what stands beside the steps of a journey: its triggers and its goal."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sojourn.errors import Invalid
from sojourn.journey.definition import REQUESTED, SEGMENT_ENTERED, Again, Goal, Trigger
from sojourn.journey.step import Fields
from sojourn.rule.definition import Comparison, Condition, Performed, Window
from sojourn.rule.span import parse_span
from sojourn.rule.text import dump, dump_where, parse, parse_where

_AGAIN = re.compile(r"(?:per (?P<per>\S+))?\s*(?P<kind>never|after leaving|after .+|parallel)?")


def read_trigger(item: Fields) -> Trigger:
    """The trigger that one entry of `enter` describes."""
    condition, again = item.take("if"), item.take("again", "never")
    rule = parse(condition, f"{item.place}.if") if condition is not None else None
    asked = item.take("where")
    where = parse_where(asked, f"{item.place}.where") if asked is not None else ()
    if "segment_entered" in item.data:
        where = (*where, Condition("segment", (Comparison("is", item.text("segment_entered")),)))
        event = SEGMENT_ENTERED
    elif item.take("api"):
        event = REQUESTED
    else:
        event = item.text("event")
    item.done()
    return Trigger(event, where, rule, _again(again, f"{item.place}.again"))


def _again(data: object, place: str) -> Again:
    text = str(data)
    words = _AGAIN.fullmatch(text)
    if words is None or not text:
        raise Invalid(
            f"{text!r} must be never, after leaving, after a span such as 'after 30 days', parallel, "
            "or per a property of the event such as 'per order_id'",
            place=place,
        )
    kind, per = words["kind"] or "never", words["per"] or ""
    if kind in ("never", "parallel", "after leaving"):
        return Again(kind, None, per)
    return Again("after", parse_span(kind.removeprefix("after "), place), per)


def read_goal(data: Mapping[str, object]) -> Goal:
    """The goal: an event since the entry, with the span in which it counts, or any rule."""
    rest = {key: value for key, value in data.items() if key != "within"}
    if "event" not in data:
        return Goal(parse(data, "goal"))
    fields = Fields(rest, "goal")
    asked = fields.take("where")
    where = parse_where(asked, "goal.where") if asked is not None else ()
    rule = _event_since_entry(fields.text("event"), where)
    fields.done()
    return Goal(rule, parse_span(data["within"], "goal.within") if "within" in data else None)


def write_trigger(trigger: Trigger) -> dict[str, object]:
    """What `read_trigger` reads."""
    where, data = trigger.where, dict[str, object](event=trigger.event)
    if trigger.event == SEGMENT_ENTERED and where and where[-1].name == "segment":
        data, where = {"segment_entered": where[-1].tests[0].value}, where[:-1]
    elif trigger.event == REQUESTED:
        data = {"api": True}
    if where:
        data["where"] = dump_where(where)
    if trigger.condition:
        data["if"] = dump(trigger.condition)
    if trigger.again != Again():
        data["again"] = _write_again(trigger.again)
    return data


def _write_again(again: Again) -> str:
    kind = f"after {again.span}" if again.kind == "after" else again.kind
    if not again.per:
        return kind
    return f"per {again.per}" if kind == "never" else f"per {again.per} {kind}"


def write_goal(goal: Goal) -> dict[str, object]:
    """What `read_goal` reads."""
    rule = goal.rule
    if not isinstance(rule, Performed) or rule != _event_since_entry(rule.event, rule.where):
        return dump(rule)
    where = {"where": dump_where(rule.where)} if rule.where else {}
    within = {"within": str(goal.within)} if goal.within else {}
    return {"event": rule.event, **where, **within}


def _event_since_entry(event: str, where: tuple[Condition, ...]) -> Performed:
    return Performed(event, where, window=Window(since_entry=True))
