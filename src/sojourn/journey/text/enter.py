"""Reads and writes what stands beside the steps of a journey: its triggers and its goal."""

from __future__ import annotations

import re

from sojourn.errors import Invalid
from sojourn.journey.definition import (
    DATE_REACHED,
    REQUESTED,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    Again,
    Due,
    Goal,
    Trigger,
)
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Comparison, Condition, Performed, Window
from sojourn.rule.span import parse_span
from sojourn.rule.text import dump, dump_where, parse

STARTS = ("event", "segment_entered", "segment_left", "date", "api")
"""The keys of which a trigger has exactly one."""

_OF_SEGMENTS = {"segment_entered": SEGMENT_ENTERED, "segment_left": SEGMENT_LEFT}

AGAIN = r"(?:per (\S+|'[^']+'))?\s*(never|after leaving|after .+|parallel)?"
_AGAIN = re.compile(AGAIN)


def read_trigger(item: Fields, journey: str) -> Trigger:
    """The trigger that one entry of `enter` describes."""
    found = [key for key in STARTS if key in item.data]
    if len(found) > 1:
        raise Invalid(f"has {' and '.join(found)}; a trigger has one of them", place=item.at(found[1]))
    due = _due(item.mapping("date")) if "date" in item.data else None
    event, own = (DATE_REACHED, _is("date", due.name)) if due else _start(item, journey)
    where = (*item.where(), *own)
    condition = item.rule("if") if "if" in item.data else None
    again = _again(item.take("again", "never"), item.at("again"))
    item.done()
    return Trigger(event, where, condition, again, due)


def _start(item: Fields, journey: str) -> tuple[str, tuple[Condition, ...]]:
    """The event that a trigger waits for, and what is asked of it for the trigger's own sake."""
    for key, event in _OF_SEGMENTS.items():
        if key in item.data:
            return event, _is("segment", item.text(key))
    if "api" not in item.data:
        return item.text("event"), ()
    if not item.flag("api"):
        raise Invalid("must be true; without it, leave the key out", place=item.at("api"))
    return REQUESTED, _is("journey", journey)


def _due(fields: Fields) -> Due:
    offs = [key for key in ("before", "after") if key in fields.data]
    if len(offs) > 1:
        raise Invalid("is before the date or after it, not both", place=fields.at("after"))
    span = fields.span(offs[0]) if offs else None
    found = Due(fields.text("trait"), span, offs == ["before"])
    fields.done()
    return found


def _is(name: str, value: str) -> tuple[Condition, ...]:
    return (Condition(name, (Comparison("is", value),)),)


def _again(data: object, place: str) -> Again:
    words = _AGAIN.fullmatch(data.strip()) if isinstance(data, str) and data.strip() else None
    if words is None:
        raise Invalid(
            f"{data!r} must be never, after leaving, after a span such as 'after 30 days', parallel, "
            "or per a property of the event such as 'per order_id'",
            place=place,
        )
    per, kind = (words[1] or "").strip("'"), words[2] or "never"
    if kind == "parallel" and per:
        raise Invalid("is both: with parallel every event has a run of its own already", place=place)
    if kind in ("never", "parallel", "after leaving"):
        return Again(kind, None, per)
    return Again("after", parse_span(kind.removeprefix("after "), place), per)


def read_goal(fields: Fields) -> Goal:
    """The goal: an event since the entry, with the span in which it counts, or any rule."""
    if "event" not in fields.data:
        return Goal(parse(fields.data, fields.place))
    rule = _event_since_entry(fields.text("event"), fields.where())
    within = fields.span("within") if "within" in fields.data else None
    fields.done()
    return Goal(rule, within)


def write_trigger(trigger: Trigger, journey: str) -> dict[str, object]:
    """What `read_trigger` reads."""
    data, where = _write_start(trigger, journey)
    if where:
        data["where"] = dump_where(where)
    if trigger.condition:
        data["if"] = dump(trigger.condition)
    if trigger.again != Again():
        data["again"] = _write_again(trigger.again)
    return data


def _write_start(trigger: Trigger, journey: str) -> tuple[dict[str, object], tuple[Condition, ...]]:
    """The key that a trigger starts with, and the conditions that it does not imply."""
    where, last = trigger.where[:-1], trigger.where[-1:]
    if trigger.event == REQUESTED and last == _is("journey", journey):
        return {"api": True}, where
    if trigger.due:
        off = {"before" if trigger.due.before else "after": str(trigger.due.span)} if trigger.due.span else {}
        return {"date": {"trait": trigger.due.trait, **off}}, where
    for key, event in _OF_SEGMENTS.items():
        value = last[0].tests[0].value if last else None
        if trigger.event == event and isinstance(value, str) and last == _is("segment", value):
            return {key: value}, where
    return {"event": trigger.event}, trigger.where


def _write_again(again: Again) -> str:
    kind = f"after {again.span}" if again.kind == "after" else again.kind
    if not again.per:
        return kind
    per = f"per {again.per}" if again.per.split() == [again.per] else f"per '{again.per}'"
    return per if kind == "never" else f"{per} {kind}"


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
