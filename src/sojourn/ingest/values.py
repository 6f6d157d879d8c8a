"""Flattens what an event carries to named values: nested objects become dotted paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from sojourn.errors import Invalid
from sojourn.ingest.event import Value
from sojourn.ingest.wire.limits import Limits

_PLAIN = frozenset({str, bool})
_LARGEST = 2**63  # a larger integer becomes a float, as every number does in a column


def flat(data: Any, place: str, limits: Limits) -> dict[str, Value]:
    """The values of an object by dotted path (`address.city`); lists are JSON texts.

    None stays (it takes a trait away), a number that is none is None.  Raises Invalid naming the
    place where `data` is no object, nests too deeply or holds too much.
    """
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Invalid("must be an object", place=place)
    values: dict[str, Value] = {}
    try:
        _flatten(data, "", values, limits.depth)
    except (RecursionError, ValueError) as error:
        raise Invalid(f"nested deeper than {limits.depth} levels", place=place) from error
    if len(values) > limits.leaves:
        raise Invalid(f"more than {limits.leaves:,} values", place=place)
    return values


def present(values: Mapping[str, Value]) -> dict[str, Value]:
    """The same without those that are None: an absent property and an empty one are one."""
    return {name: value for name, value in values.items() if value is not None}


def _flatten(data: dict[Any, Any], prefix: str, values: dict[str, Value], depth: int) -> None:
    if depth == 0:
        raise RecursionError
    for name, value in data.items():
        kind = type(value)
        if kind in _PLAIN:
            values[prefix + name] = value
        elif kind is dict:
            _flatten(value, f"{prefix}{name}.", values, depth - 1)
        else:
            values[prefix + name] = _value(value)


def _value(value: Any) -> Value:
    match value:
        case None:
            return None
        case int():
            return value if -_LARGEST <= value < _LARGEST else _finite(value)
        case float():
            return value if math.isfinite(value) else None
    return msgspec.json.encode(value).decode()


def _finite(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
