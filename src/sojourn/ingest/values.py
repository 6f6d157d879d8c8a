"""Flattens what an event carries to named values: nested objects become dotted paths."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from sojourn.errors import Invalid
from sojourn.ingest.event import Value
from sojourn.ingest.wire.limits import Limits

LARGEST = 2**63  # a larger integer becomes a float, as every number does in a column


def flat(data: Any, place: str, limits: Limits, prefix: str = "", *, nulls: bool = False) -> dict[str, Value]:
    """The values of an object by dotted path (`address.city`) behind a prefix; lists are JSON texts.

    A number that is none (NaN) is None; what is None is left out but with `nulls`, where it takes a
    trait away.  Raises Invalid naming the place where `data` is no object, nests too deeply or
    holds too much.
    """
    values: dict[str, Value] = {}
    if data is None:
        return values
    if not isinstance(data, dict):
        raise Invalid("must be an object", place=place)
    try:
        _flatten(data, prefix, values, limits.depth, nulls)
    except RecursionError as error:
        raise Invalid(f"nested deeper than {limits.depth} levels", place=place) from error
    if len(values) > limits.leaves:
        raise Invalid(f"more than {limits.leaves:,} values", place=place)
    return values


def _flatten(data: dict[Any, Any], prefix: str, values: dict[str, Value], depth: int, nulls: bool) -> None:
    """One loop over all that every event carries: spelled out, as it is half the cost of reading it."""
    if depth == 0:
        raise RecursionError
    for name, given in data.items():
        kind, value = type(given), given
        if kind is dict:
            _flatten(given, f"{prefix}{name}.", values, depth - 1, nulls)
            continue
        if kind is not str and kind is not bool and given is not None:
            value = _number(given) if kind is int or kind is float else _json(given)
        if value is not None or nulls:
            values[prefix + name] = value


def _number(value: float) -> float | None:
    """The number as a column can hold it."""
    if isinstance(value, int) and -LARGEST <= value < LARGEST:
        return value
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
