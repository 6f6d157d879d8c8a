"""Takes the calls of providers: each reads its own, and believes only what it can verify."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import FromPath
from sqlalchemy import Connection

from sojourn.api import feedback
from sojourn.api.callbacks import texts
from sojourn.api.parts import Given, Parts
from sojourn.api.tracking import body
from sojourn.channel.contract import Call, Heard
from sojourn.errors import NotFound
from sojourn.runtime.dispatch.prepare import CALLBACKS
from sojourn.runtime.dispatch.ways import CHANNELS, provider
from sojourn.store.definitions import settings

_LARGEST = 256 * 1024  # bytes of one call
_EFFECT = re.compile("[0-9a-f]{16}")


@post("/{kind:str}", status_code=200, request_max_body_size=None)
async def take(request: Request[Any, Any, Any], kind: FromPath[str], parts: Given) -> Response[bytes]:
    """Take what a provider tells us: a text message that came in."""
    return await _taken(request, parts, kind, "")


@post("/{kind:str}/{effect:str}", status_code=200, request_max_body_size=None)
async def take_about(
    request: Request[Any, Any, Any], kind: FromPath[str], effect: FromPath[str], parts: Given
) -> Response[bytes]:
    """Take what a provider tells us of one message; the same again, or in another order, changes nothing."""
    if not _EFFECT.fullmatch(effect):
        raise NotFound("there is no such message")
    return await _taken(request, parts, kind, effect)


async def _taken(request: Request[Any, Any, Any], parts: Parts, kind: str, effect: str) -> Response[bytes]:
    given = await parts.read(partial(settings.get, name=CHANNELS, otherwise={}))
    found = provider(kind, given)
    if found is None:
        raise NotFound(f"nothing is sent by {kind!r}")
    channel, own = found
    raw = await body.whole(request.receive, _LARGEST, request.content_length)
    query = request.scope["query_string"].decode("latin-1")
    address = f"{parts.settings.public_url}{request.scope['path']}" + (f"?{query}" if query else "")
    call = Call(address, effect, dict(request.headers), raw)
    heard = await asyncio.to_thread(channel.hear, own, call)
    if heard.feedback or heard.texts:
        await parts.write(partial(_write, parts=parts, kind=kind, heard=heard))
    return Response(heard.answer, media_type=heard.answer_type)


def _write(connection: Connection, parts: Parts, kind: str, heard: Heard) -> None:
    feedback.write(connection, parts, heard.feedback)
    for text in heard.texts:
        texts.write(connection, parts, kind, text)


router = Router(CALLBACKS, route_handlers=[take, take_about], tags=["Feedback"])
