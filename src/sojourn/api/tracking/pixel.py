"""What browsers fetch: an event as a picture, and the settings that Segment's script asks for first."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode
from binascii import Error
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath

from sojourn.api.parts import Given
from sojourn.api.tracking import calls
from sojourn.ingest.wire import segment
from sojourn.ingest.wire.lenient import Envelope
from sojourn.ingest.wire.limits import SEGMENT

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""One transparent pixel."""

_UNCACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def picture(*_error: object) -> Response[bytes]:
    """The pixel, which nobody may keep."""
    return Response(GIF, media_type="image/gif", headers=_UNCACHED)


@get("/pixel/{call:str}", media_type="image/gif", exception_handlers={Exception: picture})
async def pixel(request: Request[Any, Any, Any], call: FromPath[str], parts: Given) -> Response[bytes]:
    """Take one call from the query: `data` is its JSON in base64, or each field is a parameter of its
    own (`properties.plan=pro`).  The answer is the picture, whatever becomes of the call."""
    raw = _call(dict(request.query_params))
    if call in segment.CALLS and 0 < len(raw) <= SEGMENT.event_bytes:
        envelope = Envelope([msgspec.Raw(raw)])
        key = await parts.authority.key(*calls.secrets(request, envelope, SEGMENT))
        source = calls.admitted(request, key, call, SEGMENT, parts)
        reading = segment.read(envelope, source, parts.database.now(), os.urandom(8).hex(), call)
        await calls.stored(parts, reading, f"pixel {call} by key {key.id}")
    return picture()


@get("/projects/{key:str}/settings", media_type="application/json")
async def settings(key: FromPath[str], parts: Given) -> dict[str, Any]:
    """The settings of Segment's browser script: send everything here."""
    await parts.authority.key(key)
    host = parts.settings.public_url.partition("://")[2]
    return {
        "integrations": {"Segment.io": {"apiKey": key, "apiHost": f"{host}/v1", "deliveryStrategy": {}}},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "metrics": {"sampleRate": 0},
    }


def _call(query: dict[str, str]) -> bytes:
    """The call as JSON."""
    data = query.get("data")
    if data is None:
        return msgspec.json.encode(_nested(query))
    try:
        raw = urlsafe_b64decode(data.replace("+", "-").replace("/", "_") + "==")
    except (Error, ValueError):
        return b""
    return raw


def _nested(query: dict[str, str]) -> dict[str, Any]:
    """Dotted parameters as objects."""
    nested: dict[str, Any] = {}
    for path, value in query.items():
        *outer, last = path.split(".")
        place = nested
        for name in outer:
            inner = place.setdefault(name, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[last] = value
    return nested


router = Router(
    "/v1",
    route_handlers=[pixel, settings],
    exception_handlers={Exception: calls.respond},
    response_headers=calls.CORS,
    tags=["Tracking"],
)
