"""The links and the pixel of messages: followed, counted, and never leading anywhere that was not written."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, Router, get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from sojourn.api.parts import Given, Parts
from sojourn.api.tracking.calls import address
from sojourn.api.tracking.pixel import picture
from sojourn.api.visitors.page import HEADERS, neutral
from sojourn.message.links import TRAP
from sojourn.message.tokens import Click, Open
from sojourn.store import messages
from sojourn.store.messages import PIXEL


@route("/c/{token:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def click(request: Request[Any, Any, Any], token: FromPath[str], parts: Given) -> Response[Any]:
    """Follow a link of a message.  Where it leads is kept here, so nobody can make it lead elsewhere."""
    named = parts.publicly.keys.verify(token, Click)
    if named is None:
        return neutral(404)
    url = await asyncio.to_thread(_destination, parts, named)
    await _note(request, parts, named.effect, named.number)
    if url is None:
        return neutral(200 if named.number == TRAP else 404)
    return Response(None, status_code=302, headers={**HEADERS, "Location": url})


@get("/o/{token:str}", media_type="image/gif")
async def opened(request: Request[Any, Any, Any], token: FromPath[str], parts: Given) -> Response[bytes]:
    """The picture that is fetched when a message is opened, by its reader or by some machine."""
    named = parts.publicly.keys.verify(token.removesuffix(".gif"), Open)
    if named is not None:
        await _note(request, parts, named.effect, PIXEL)
    return picture()


async def _note(request: Request[Any, Any, Any], parts: Parts, effect: int, link: int) -> None:
    agent = request.headers.get("user-agent", "")
    client = address(request, parts.settings)
    await parts.visits.note(parts.visits.visit(effect, link, request.method, agent, client))


def _destination(parts: Parts, named: Click) -> str | None:
    with parts.database.reading() as connection:
        return messages.destination(connection, named.effect, named.number)


router = Router("/", route_handlers=[click, opened], include_in_schema=False)
