"""Reads JSON that strangers send: what is odd is mended, what is broken harms no neighbour.

Real clients send bare `NaN`, halves of surrogate pairs, NUL characters and numbers no machine
holds.  Strict decoding is tried first; only what it refuses is read the slow way.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from sojourn.errors import Invalid
from sojourn.ingest.wire.limits import Limits

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
_UNFIT = re.compile("[\x00\ud800-\udfff]")  # Postgres text takes no NUL, UTF-8 no half of a pair
_NUL = rb"\u0000"
_DIGITS = 300  # more than a float64 can hold; int() of many thousands would take seconds
_SPACE = b" \t\r\n"


class Call(msgspec.Struct, rename="camel", gc=False):
    """One tracking call as it is on the wire; every field may hold anything."""

    type: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    message_id: Any = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    event: Any = None
    name: Any = None
    category: Any = None
    properties: Any = None
    traits: Any = None
    context: Any = None
    integrations: Any = None
    write_key: Any = None


class Envelope(msgspec.Struct, rename="camel", gc=False):
    """A batch as it is on the wire, its calls still bytes; a single call is a batch of one."""

    batch: list[msgspec.Raw]
    sent_at: Any = None
    context: Any = None
    integrations: Any = None
    write_key: Any = None


_CALL = msgspec.json.Decoder(Call)
_ENVELOPE = msgspec.json.Decoder(Envelope)


def envelope(body: bytes, limits: Limits) -> Envelope:
    """The batch in a request's body.  Raises Invalid when the body as a whole is no batch."""
    try:
        return _ENVELOPE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _envelope_around(body, limits)


def call(raw: bytes | msgspec.Raw, limits: Limits) -> Call:
    """One call.  Raises Invalid when it is no JSON object or outgrows the limits."""
    data = bytes(raw)
    if len(data) > limits.event_bytes:
        raise Invalid(f"larger than {limits.event_bytes:,} bytes")
    if _NUL not in data:
        try:
            return _CALL.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return msgspec.convert(_mended_object(data, limits), Call, strict=False)


def value(raw: bytes, limits: Limits) -> Any:
    """Any JSON value, mended: what is no number becomes null, what is no character U+FFFD."""
    _check_depth(raw, limits)
    text = raw.decode("utf-8-sig", "replace")
    try:
        found = json.loads(text, strict=False, parse_int=_integer, parse_constant=_nothing)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"not JSON: {error}") from None
    return _mended(found)


def _envelope_around(body: bytes, limits: Limits) -> Envelope:
    """The batch cut into its calls by its brackets alone, so that a broken call stays alone."""
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    start, end = _array_of_calls(body)
    rest = value(body[: start + 1] + body[end:], limits) if end else value(body, limits)
    if not isinstance(rest, dict) or not isinstance(rest.get("batch"), list):
        raise Invalid("must be an object with an array", place="batch")
    found = msgspec.convert(rest | {"batch": []}, Envelope)
    found.batch = [msgspec.Raw(part) for part in _elements(body[start:end])] if end else []
    return found


def _array_of_calls(body: bytes) -> tuple[int, int]:
    """Where the value of the top-level key `batch` opens and closes, (0, 0) if there is no array."""
    depth, start, before = 0, 0, b""
    for token in _TOKENS.finditer(body):
        mark = token.group()
        if mark in b"[{":
            if mark == b"[" and depth == 1 and before == b'"batch"':
                start = token.start()
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if start and depth == 1:
                return start, token.start()
        before = mark
    return 0, 0


def _elements(array: bytes) -> Iterator[bytes]:
    """The elements of an array that lacks its closing bracket, each as bytes."""
    depth, start = 0, 1
    for token in _TOKENS.finditer(array):
        mark = token.group()
        if mark == b"," and depth == 1:
            yield array[start : token.start()].strip(_SPACE)
            start = token.end()
        depth += (mark in b"[{") - (mark in b"]}")
    last = array[start:].strip(_SPACE)
    if last:
        yield last


def _mended_object(raw: bytes, limits: Limits) -> dict[str, Any]:
    found = value(raw, limits)
    if not isinstance(found, dict):
        raise Invalid("must be an object")
    return found


def _check_depth(raw: bytes, limits: Limits) -> None:
    depth = 0
    for token in _TOKENS.finditer(raw):
        mark = token.group()
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > limits.depth:
            raise Invalid(f"nested deeper than {limits.depth} levels")


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _nothing(_: str) -> None:
    return None


def _mended(found: Any) -> Any:
    match found:
        case str():
            return _UNFIT.sub("\ufffd", found)
        case float():
            return found if math.isfinite(found) else None
        case dict():
            return {_UNFIT.sub("\ufffd", key): _mended(part) for key, part in found.items()}
        case list():
            return [_mended(part) for part in found]
    return found
