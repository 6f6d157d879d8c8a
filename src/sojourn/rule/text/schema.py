"""The JSON Schema of the text of rules, by which editors complete and check it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from sojourn.rule.definition import WHEN
from sojourn.rule.text.comparisons import (
    DATES,
    HOWS,
    NUMBERS,
    OF_A_MEASURE,
    OF_A_TIME,
    OF_A_VALUE,
    SPANS,
    TEXTS,
    WINDOW_KEYS,
)
from sojourn.rule.text.leaves import (
    LARGEST_BUCKETS,
    LONGEST_SEQUENCE,
    MEASURED,
    MOST_TIMES,
    PERFORMED_KEYS,
    SEQUENCE_KEYS,
)
from sojourn.rule.text.rules import KEYS

Schema: TypeAlias = dict[str, object]

NAME: Schema = {"type": "string", "pattern": r"\S"}
SPAN: Schema = {"type": "string", "pattern": r"^\s*\d", "examples": ["7 days", "24 hours", "3 months"]}
DATE: Schema = {"type": "string", "pattern": r"^\d{4}", "examples": ["2026-03-31", "2026-03-31T18:00"]}
VALUE: Schema = {"type": ["string", "number", "boolean"]}
NUMBER: Schema = {"type": "number"}
RULE: Schema = {"$ref": "#/$defs/rule"}
WHERE: Schema = {"$ref": "#/$defs/where"}
RULES: Schema = {"type": "array", "items": RULE}


def definitions() -> dict[str, Schema]:
    """What belongs under `$defs` of a schema that refers to `#/$defs/rule` or `#/$defs/where`."""
    return {"rule": {"oneOf": [_condition(key) for key in KEYS]}, "where": _named(_asked(OF_A_VALUE))}


def _condition(key: str) -> Schema:
    """A mapping that starts with one of KEYS."""
    match key:
        case "trait" | "entry":
            return _mapping({key: NAME} | _comparisons(OF_A_VALUE), [key], least=2)
        case "performed":
            return {"oneOf": [_performed(), _sequence()]}
        case "in_segment" | "in_list" | "lifecycle" | "score":
            return _standing(key)
        case "bucket":
            return _mapping({key: _bucket()}, [key])
        case "all" | "any":
            return _mapping({key: RULES}, [key])
        case "not":
            return _mapping({key: RULE}, [key])
        case _:
            return _mapping({key: _message()} | _window(), [key])


def _standing(key: str) -> Schema:
    if key == "score":
        numbers = _comparisons(NUMBERS) | {"between": _pair(NUMBER)}
        asked = [{"required": [how]} for how in numbers]
        return _mapping({key: NAME, "group": NAME} | numbers, [key]) | {"anyOf": asked}
    several: Schema = {"type": "array", "items": NAME, "minItems": 1}
    return _mapping({key: {"oneOf": [NAME, several]} if key == "lifecycle" else NAME}, [key])


def _performed() -> Schema:
    times: Schema = {"type": "integer", "minimum": 0, "maximum": MOST_TIMES}
    edge = _named(_asked(OF_A_VALUE), {WHEN: _asked(OF_A_TIME)})
    known: dict[str, Schema] = {"performed": NAME, "where": WHERE, "never": {"const": True}, **_window()}
    known |= dict.fromkeys(("at_least", "at_most", "exactly"), times) | dict.fromkeys(("first", "last"), edge)
    known |= dict.fromkeys(MEASURED, _named(_asked(OF_A_MEASURE)))
    return _mapping(
        {key: known[key] for key in ("performed", *PERFORMED_KEYS) if key in known}, ["performed"]
    )


def _sequence() -> Schema:
    link: Schema = {"oneOf": [NAME, _mapping({"performed": NAME, "where": WHERE}, ["performed"])]}
    several: Schema = {"type": "array", "items": link, "minItems": 1, "maxItems": LONGEST_SEQUENCE - 1}
    then: Schema = {"oneOf": [link, several]}
    known: dict[str, Schema] = {"performed": NAME, "where": WHERE, "then_performed": then, **_window()}
    return _mapping({key: known[key] for key in SEQUENCE_KEYS}, ["performed", "then_performed"])


def _message() -> Schema:
    named = dict.fromkeys(("step", "template", "journey"), NAME)
    message = _mapping({**named, "where": WHERE, "machine": {"type": "boolean"}}, [])
    return {"oneOf": [NAME, {"const": True}, message]}


def _bucket() -> Schema:
    of: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_BUCKETS, "default": 100}
    below: Schema = {"type": "integer", "minimum": 0, "maximum": LARGEST_BUCKETS}
    return _mapping({"of": of, "below": below, "salt": NAME}, ["below"])


def _window() -> dict[str, Schema]:
    since: Schema = {"const": "entry"}
    return dict(zip(WINDOW_KEYS, (SPAN, _pair(DATE), since), strict=True))


def _pair(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 2, "maxItems": 2}


def _asked(hows: Iterable[str]) -> Schema:
    """What is asked of one property: comparisons, or a value or list for `is` and `in`."""
    allowed = frozenset(hows)
    short: list[Schema] = [VALUE, {"type": "array", "items": VALUE, "minItems": 1}] if "is" in allowed else []
    return {"oneOf": [_mapping(_comparisons(allowed), [], least=1), *short]}


def _comparisons(hows: Iterable[str]) -> dict[str, Schema]:
    return {how: _compared_with(how) for how in HOWS if how in frozenset(hows)}


def _compared_with(how: str) -> Schema:
    if how == "between":
        return {"oneOf": [_pair(NUMBER), _pair(DATE)]}
    if how == "exists":
        return {"type": "boolean"}
    if how == "in":
        return {"type": "array", "items": VALUE, "minItems": 1}
    if how in TEXTS and how != "contains":
        return {"type": "string", "minLength": 1}
    if how in NUMBERS:
        return NUMBER
    return SPAN if how in SPANS else DATE if how in DATES else VALUE


def _named(asked: Schema, special: Mapping[str, Schema] | None = None) -> Schema:
    """A mapping of any names, each with what is asked of it."""
    return {
        "type": "object",
        "properties": dict(special or {}),
        "additionalProperties": asked,
        "minProperties": 1,
    }


def _mapping(properties: Mapping[str, Schema], required: list[str], least: int = 0) -> Schema:
    closed = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return closed | {"required": required} | ({"minProperties": least} if least else {})
