"""Segment's HTTP API with its short paths: calls come in, one or many at a time."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, post
from litestar.params import FromPath

from sojourn.api import problems
from sojourn.api.authority import PUBLIC, SERVER, credentials
from sojourn.api.parts import Given, Parts, Settings
from sojourn.api.problems import TooMany
from sojourn.api.tracking import body
from sojourn.errors import Forbidden, Invalid, NotFound, Unavailable
from sojourn.ingest.event import Origin, Reading
from sojourn.ingest.wire import lenient, segment
from sojourn.ingest.wire.lenient import Envelope
from sojourn.ingest.wire.limits import RUDDER, SEGMENT, Limits
from sojourn.ingest.wire.trust import Source
from sojourn.store.definitions.keys import Key

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "86400",
}
"""Browsers of any site may send events; that is said here and nowhere else."""

_OVERLOAD = 50_000  # events that wait to be written, about a second's worth
_PATIENCE = 30.0  # seconds for a commit, after which the client had better ask again
_SUCCESS = b'{"success": true}'
_BATCHES = ("batch", "import")
_SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch"}


@post("/{call:str}", status_code=200, media_type=MediaType.JSON, request_max_body_size=None)
async def receive(request: Request[Any, Any, Any], call: FromPath[str], parts: Given) -> Response[bytes]:
    """Take one call (identify, track, page, screen, group, alias) or many (batch, import).

    Answers once they are durable.  Whatever the Content-Type says, the body is JSON, gzip or not.
    """
    kind = _SHORT.get(call, call)
    if kind not in segment.CALLS and kind not in _BATCHES:
        raise NotFound(f"there is no call {call!r}")
    sheds(parts)
    limits = _limits(request)
    at_most = limits.batch_bytes if kind in _BATCHES else limits.event_bytes
    raw = await body.whole(request.receive, at_most, request.content_length)
    envelope = lenient.envelope(raw, limits) if kind in _BATCHES else Envelope([msgspec.Raw(raw)])
    key = await parts.authority.key(*secrets(request, envelope, limits))
    source = admitted(request, key, kind, limits, parts)
    single = "" if kind in _BATCHES else kind
    with parts.intake.turn():
        reading = segment.read(envelope, source, parts.database.now(), os.urandom(8).hex(), single)
    await stored(parts, reading, f"{kind} by key {key.id}")
    if single and reading.rejected:
        raise Invalid(reading.rejected[0].why, place=reading.rejected[0].place)
    return Response(_SUCCESS)


async def stored(parts: Parts, reading: Reading, source: str) -> None:
    """Wait until it is durable; raises Unavailable, which makes the client ask again."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.wrap_future(parts.intake.take(reading, source))
    except TimeoutError:
        raise Unavailable("the database is too slow just now") from None


def admitted(request: Request[Any, Any, Any], key: Key, kind: str, limits: Limits, parts: Parts) -> Source:
    """What is believed of calls by this key.  Raises Forbidden, or TooMany where it goes too fast."""
    parts.by_key.check(str(key.id))
    if SERVER in key.scopes or "admin" in key.scopes:
        return Source(Origin.IMPORT if kind == "import" else Origin.SERVER, limits)
    if PUBLIC not in key.scopes or kind == "import":
        raise Forbidden(f"this key may not send {kind} calls")
    client = address(request, parts.settings)
    parts.by_address.check(client)
    return Source(Origin.PUBLIC, limits, parts.settings.identity_secret, client)


def sheds(parts: Parts) -> None:
    """Raises TooMany when more waits than is written soon (P6)."""
    if parts.intake.backlog > _OVERLOAD:
        raise TooMany("more events are coming in than can be stored just now")


def address(request: Request[Any, Any, Any], settings: Settings) -> str:
    """The address of whoever asks."""
    forwarded = request.headers.get("x-forwarded-for", "") if settings.behind_proxy else ""
    return forwarded.rpartition(",")[2].strip() or (request.client.host if request.client else "")


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[problems.Problem]:
    """A problem that pages of other sites may read."""
    response = problems.respond(request, error)
    response.headers.update(CORS)
    return response


def _limits(request: Request[Any, Any, Any]) -> Limits:
    """Rudder's clients send larger batches, and are known by their name alone."""
    return RUDDER if "rudder" in request.headers.get("user-agent", "").lower() else SEGMENT


def secrets(request: Request[Any, Any, Any], envelope: Envelope, limits: Limits) -> tuple[str, ...]:
    """All that may be the key, in order: the header's, the batch's, that of its first call."""
    given = [credentials(request.headers.get("authorization")), envelope.write_key]
    if not all(isinstance(one, str) and one for one in given) and envelope.batch:
        with suppress(Invalid):
            given.append(lenient.call(envelope.batch[0], limits).write_key)
    return tuple(one for one in given if isinstance(one, str))


router = Router(
    "/v1",
    route_handlers=[receive],
    exception_handlers={Exception: respond},
    response_headers=CORS,  # of the answers to OPTIONS too
    tags=["Tracking"],
)
