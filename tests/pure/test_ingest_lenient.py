"""What strangers send is mended where it is odd and stays alone where it is broken (P4)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.ingest.wire import lenient
from sojourn.ingest.wire.limits import SEGMENT

GOOD = b'{"type": "track", "userId": "u", "event": "E"}'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def batch_of(*parts: bytes) -> bytes:
    return b'{"sentAt": "2026-03-01T09:00:00Z", "batch": [' + b", ".join(parts) + b'], "writeKey": "w"}'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"NaN", None),
        (b"Infinity", None),
        (b"-Infinity", None),
        (b"1e400", None),
        (b'"\\ud800"', "\ufffd"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\u0000"', "\ufffd"),
        (b'"tab\there"', "tab\there"),
        (b'"\xff"', "\ufffd"),
        (b"12345678901234567890123", 12345678901234567890123),
        (b"1" * 5000, None),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_an_odd_value_is_mended_and_its_neighbours_are_read(written: bytes, read: Any) -> None:
    odd = b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": ' + written + b"}}"
    batch = lenient.envelope(batch_of(GOOD, odd, GOOD), SEGMENT)
    calls = [lenient.call(raw, SEGMENT) for raw in batch.batch]
    assert [call.event for call in calls] == ["E", "E", "E"]
    assert calls[1].properties == {"x": read}
    assert (batch.write_key, batch.sent_at) == ("w", "2026-03-01T09:00:00Z")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}", "nested deeper than 64 levels"),
        (b'{"a": ' + b'{"b":' * 2000 + b"1" + b"}" * 2000 + b"}", "nested deeper than 64 levels"),
        (b'{"a": nope}', "not JSON"),
        (b'{"a" 1}', "not JSON"),
        (b"17", "must be an object"),
        (b'"text"', "must be an object"),
        (b"null", "must be an object"),
        (b"", "not JSON"),
        (b'{"a": "' + b"x" * 33_000 + b'"}', "larger than 32,768 bytes"),
    ],
)
def test_a_broken_call_stays_alone(broken: bytes, why: str) -> None:
    batch = lenient.envelope(batch_of(GOOD, broken, GOOD), SEGMENT)
    assert [lenient.call(batch.batch[i], SEGMENT).event for i in (0, 2)] == ["E", "E"]
    with pytest.raises(Invalid, match=why):
        lenient.call(batch.batch[1], SEGMENT)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"nope", b"{}", b'{"batch": {}}', b'{"batch": [', b'{"batch": null}', b"\xff\xfe", b"NaN"],
)
def test_a_body_that_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        lenient.envelope(body, SEGMENT)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert len(lenient.envelope(b"\xef\xbb\xbf" + batch_of(GOOD), SEGMENT).batch) == 1


def test_only_the_outer_batch_holds_the_calls() -> None:
    inner = b'{"event": "batch", "properties": {"batch": [1, NaN]}}'
    body = b'{"context": {"batch": [3]}, "batch": [' + inner + b"]}"
    (raw,) = lenient.envelope(body, SEGMENT).batch
    assert lenient.call(raw, SEGMENT).properties == {"batch": [1, None]}


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=5), max_size=5), st.booleans())
def test_any_json_is_cut_into_its_calls(calls: list[dict[str, Any]], as_ascii: bool) -> None:
    written = [json.dumps({"properties": call}, ensure_ascii=as_ascii) for call in calls]
    body = batch_of(*(text.encode("utf-8", "surrogatepass") for text in written))
    batch = lenient.envelope(body, SEGMENT)
    for raw, call in zip(batch.batch, calls, strict=True):
        assert _plain(lenient.call(raw, SEGMENT).properties) == _plain(call)


def _plain(value: Any) -> Any:
    """The value as it must come back: no NaN, no half of a pair, no NUL."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case str():
            return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
        case dict():
            return {_plain(key): _plain(part) for key, part in value.items()}
        case list():
            return [_plain(part) for part in value]
    return value


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    for text in (body, batch_of(body), b'{"batch": [' + body):
        try:
            batch = lenient.envelope(text, SEGMENT)
        except Invalid:
            continue
        for raw in batch.batch:
            try:
                lenient.call(raw, SEGMENT)
            except Invalid:
                continue
