"""Segments: named rules whose members are kept up to date."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.params import FromPath, JSONBody
from sqlalchemy import Connection

from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.rule.text import dump, parse
from sojourn.rule.text.sentence import sentence
from sojourn.runtime.belonging.defining import refuse_segment
from sojourn.store.definitions import segments
from sojourn.store.definitions.segments import Segment


class Definition(msgspec.Struct, frozen=True):
    """A rule, as in the text of a journey."""

    rule: Any


class Shown(msgspec.Struct, frozen=True):
    """A segment, its rule, and the same as a sentence."""

    name: str
    rule: Any
    sentence: str
    version: int


@get("/")
async def every(parts: Given) -> list[Shown]:
    """All segments, by name."""
    return [_shown(segment) for segment in await parts.read(segments.every)]


@get("/{name:str}")
async def one(name: FromPath[str], parts: Given) -> Response[Shown]:
    """One segment."""
    found = await parts.read(partial(segments.find, name=name))
    return tagged(_shown(found), found.version)


@put("/{name:str}")
async def save(
    request: Request[Any, Any, Any], name: FromPath[str], data: JSONBody[Definition], parts: Given
) -> Response[Shown]:
    """Define a segment, or change its rule.  With If-Match only if nobody has changed it since."""
    rule = parse(data.rule, "rule")
    text, match = msgspec.json.encode(dump(rule)).decode(), matched(request)

    def write(connection: Connection) -> Segment:
        refuse_segment(connection, name, rule)
        return segments.save(connection, name, text, parts.database.now(), match=match)

    written = await parts.write(write)
    return tagged(_shown(written), written.version)


@delete("/{name:str}")
async def remove(name: FromPath[str], parts: Given) -> None:
    """Remove a segment."""
    await parts.write(partial(segments.remove, name=name))


resource = Resource("segments", (every, one, save, remove))


def _shown(segment: Segment) -> Shown:
    rule = msgspec.json.decode(segment.rule)
    return Shown(segment.name, rule, sentence(parse(rule)), segment.version)
