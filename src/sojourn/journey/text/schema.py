"""The JSON Schema of a journey's text, by which editors complete and check it while it is written.

Made of what the kinds of steps declare and of the schema of rules.  It cannot see where a step leads;
`sojourn check` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from sojourn.journey.step import THEN, Step, StepKind
from sojourn.journey.text.enter import AGAIN, STARTS
from sojourn.journey.text.journey import FARTHEST, HIGHEST_PRIORITY, LONGEST_NAME
from sojourn.journey.text.steps import ID, kinds
from sojourn.rule.definition import EVENTS
from sojourn.rule.text import definitions
from sojourn.rule.text.schema import NAME, SPAN

Schema = dict[str, Any]

_TARGET: Schema = {"$ref": "#/$defs/step_id"}
_SPAN: Schema = {"$ref": "#/$defs/span"}
_RULE: Schema = {"$ref": "#/$defs/rule"}
_WHERE: Schema = {"$ref": "#/$defs/where"}
_NAMED: Schema = {"$ref": "#/$defs/name"}


def schema() -> Schema:
    """The schema, by JSON Schema 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Sojourn journey",
        **_closed(
            {
                "journey": {
                    "type": "string",
                    "pattern": r"^\S(.*\S)?$",
                    "maxLength": LONGEST_NAME,
                    "description": "Its name.",
                },
                "enter": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/trigger"},
                    "minItems": 1,
                    "description": "What lets customers in.",
                },
                "goal": {"$ref": "#/$defs/goal", "description": "What it is for: who reaches it leaves."},
                "leave_if": {**_RULE, "description": "Who meets it leaves, wherever they stand."},
                "open": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {
                        "from": {"type": "string", "format": "date", "description": "The first day."},
                        "until": {"type": "string", "format": "date", "description": "The last day."},
                    },
                    "description": "When customers may enter; by default always.",
                },
                "holdout": {
                    "anyOf": [
                        {"type": "string", "pattern": r"^\s*\d{1,2}(\.\d+)?\s*%\s*$"},
                        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
                    ],
                    "description": "The share that is let in but gets nothing, to compare with; such as 10%.",
                },
                "priority": {
                    "type": "integer",
                    "minimum": -HIGHEST_PRIORITY,
                    "maximum": HIGHEST_PRIORITY,
                    "default": 0,
                    "description": "Of messages due at one instant, those of the lowest number go first.",
                },
                "steps": {"$ref": "#/$defs/steps"},
                "canvas": {"$ref": "#/$defs/canvas", "description": "Where the steps are drawn."},
            },
            ["journey", "enter", "steps"],
        ),
        "$defs": {
            **definitions(),
            **_parts(),
            **{f"{kind.name}_step": _step(kind) for kind in kinds().values()},
        },
    }


def _parts() -> dict[str, Schema]:
    event, outcomes = _awaited()
    place = {"type": "number", "exclusiveMinimum": -FARTHEST, "exclusiveMaximum": FARTHEST}
    return {
        "name": NAME,
        "span": SPAN,
        "step_id": {"type": "string", "pattern": f"^{ID}$"},
        "scalars": _mapping({"type": ["string", "number", "boolean"]}),
        "trigger": {"oneOf": [_trigger(start) for start in STARTS]},
        "goal": {"anyOf": [_closed({"event": _NAMED, "where": _WHERE, "within": _SPAN}, ["event"]), _RULE]},
        "awaited_event": event,
        "awaited_outcome": {"oneOf": outcomes},
        "steps": {
            **_mapping({"$ref": "#/$defs/step"}, _TARGET),
            "description": "The steps, in their order; who goes on from the last has completed the journey.",
        },
        "step": {"oneOf": [{"$ref": f"#/$defs/{name}_step"} for name in kinds()]},
        "canvas": _mapping({"type": "array", "items": place, "minItems": 2, "maxItems": 2}, _TARGET),
    }


def _trigger(start: str) -> Schema:
    """A trigger that starts with one of STARTS."""
    starts: Schema = {
        "event": {**_NAMED, "description": "The event that lets a customer in."},
        "segment_entered": {**_NAMED, "description": "The segment that lets in who comes to belong to it."},
        "segment_left": {**_NAMED, "description": "The segment that lets in who belongs to it no longer."},
        "date": {
            **_closed(
                {
                    "trait": {**_NAMED, "description": "The trait that holds the date."},
                    "before": {**_SPAN, "description": "How long before it."},
                    "after": {**_SPAN, "description": "Or how long after it."},
                },
                ["trait"],
            ),
            "description": "A date in a trait: customers are let in then, or some time before or after.",
        },
        "api": {"const": True, "description": "Customers are let in by a call of the API."},
    }
    again = "never (the default), after leaving, after 30 days, parallel; or of each value: per order_id"
    known: Schema = {
        start: starts[start],
        "where": {**_WHERE, "description": "Conditions on properties of the event."},
        "if": {**_RULE, "description": "A condition on the customer, at that instant."},
        "again": {"type": "string", "pattern": f"^{AGAIN}$", "minLength": 1, "description": again},
    }
    return _closed(known, [start])


def _awaited() -> tuple[Schema, list[Schema]]:
    """What a way of `wait_for` may await: an event, or what became of a message."""
    conditions = _conditions()
    since: Schema = {
        "enum": ["arrival", "entry"],
        "default": "arrival",
        "description": "From when on it counts: the arrival on this step, or the entry into the journey.",
    }
    did: Schema = deepcopy(conditions["performed"]["properties"])
    event = _closed({"event": did.pop("performed"), **did, "since": since, "then": THEN}, ["event"])
    became = ({**conditions[what]["properties"], "since": since, "then": THEN} for what in EVENTS)
    return event, [_closed(properties, [what]) for what, properties in zip(EVENTS, became, strict=True)]


def _conditions() -> dict[str, Schema]:
    """The schemas of conditions by the key that each starts with; of two, the simpler."""
    every: Schema = definitions()["rule"]
    simple = [one["oneOf"][0] if "oneOf" in one else one for one in every["oneOf"]]
    return {next(iter(one["properties"])): one for one in simple}


def _step(kind: StepKind) -> Schema:
    """A step of this kind."""
    value = dict(kind.schema)
    if value.get("type") == "array":
        value["items"] = _leading(value["items"])
    then = {"then": THEN} if kind.settings.exits is Step.exits else {}
    whole = _closed({kind.name: value, **kind.beside, **then}, [kind.name])
    return {"title": kind.title, "description": kind.summary, **whole}


def _leading(way: Mapping[str, Any]) -> Schema:
    """An entry of a list of ways, with where it leads."""
    if "anyOf" in way:
        return {"anyOf": [_leading(one) for one in way["anyOf"]]}
    return {**way, "properties": {**way["properties"], "then": THEN}} if "properties" in way else {**way}


def _closed(properties: Mapping[str, Any], required: Sequence[str]) -> Schema:
    closed = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**closed, "required": list(required)}


def _mapping(values: Schema, names: Schema | None = None) -> Schema:
    named = {"propertyNames": names} if names else {}
    return {"type": "object", "minProperties": 1, **named, "additionalProperties": values}
