"""Definitions: all that people define here as texts, compared with others and published together."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.params import JSONBody
from sqlalchemy import Connection

from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Given, Parts
from sojourn.api.resource import Resource
from sojourn.journey.text import journey_of
from sojourn.journey.text.edit import rewrite, rewrite_data
from sojourn.runtime.backtest import Question
from sojourn.runtime.definitions.kind import File, Name, kinds, read_all
from sojourn.runtime.definitions.kinds.journey import drafts
from sojourn.runtime.definitions.plan import JOURNEY, Wanted, digest, plan
from sojourn.runtime.definitions.planned import Plan
from sojourn.runtime.definitions.publish import held, publish, state


class Definition(msgspec.Struct, frozen=True):
    """One definition as its author wrote it; `folder` is where its file belongs, if not at the top."""

    kind: str
    name: str
    folder: str
    text: str
    digest: str


class Shown(msgspec.Struct, frozen=True):
    """All that hold, and the journeys whose drafts are not what is published."""

    definitions: tuple[Definition, ...]
    drafts: tuple[str, ...]


class Change(msgspec.Struct, frozen=True):
    """Texts that are to hold, and what is to hold no longer."""

    files: tuple[File, ...] = ()
    gone: tuple[Name, ...] = ()


class Draft(Change, frozen=True):
    """The same, to be tried; entries after `since` and until `until` count, microseconds UTC."""

    backtest: bool = True
    since: int = Question.since
    until: int = 0


class Edit(msgspec.Struct, frozen=True):
    """A text as its author wrote it, and the same definition as data, as it is to be from now on."""

    text: str
    data: dict[str, Any]


class Edited(msgspec.Struct, frozen=True):
    """The text that says so; nothing of it is other than it was but what had to be."""

    text: str


class Done(msgspec.Struct, frozen=True):
    """What holds now."""

    published: tuple[Name, ...]
    gone: tuple[Name, ...]


@get("/")
async def every(parts: Given) -> Response[Shown]:
    """All definitions as texts; the ETag tells this state from any other."""
    return await parts.read(_shown)


@post("/plan", status_code=200, opt={"scope": "read"})
async def planned(data: JSONBody[Draft], parts: Given) -> Plan:
    """What publishing these would change, for whom, and what backtests say; nothing is kept."""
    return await asyncio.to_thread(_planned, parts, data)


@post("/edit", status_code=200, opt={"scope": "read"})
async def edited(data: JSONBody[Edit]) -> Edited:
    """Change a definition within its text, where comments, order and quotes stay; nothing is kept."""
    return Edited(await asyncio.to_thread(_edited, data))


@patch("/")
async def save(request: Request[Any, Any, Any], data: JSONBody[Change], parts: Given) -> Done:
    """Publish all of it or nothing.  With If-Match only if nobody has changed any definition since."""
    files, match = read_all(data.files), matched(request)

    def write(connection: Connection) -> Done:
        done = publish(connection, files, data.gone, parts.database.now(), match)
        return Done(tuple(done), data.gone)

    return await parts.write(write)


resource = Resource("definitions", (every, planned, edited, save))


def _shown(connection: Connection) -> Response[Shown]:
    texts = held(connection)
    shown = tuple(
        Definition(one.kind, one.name, kinds()[one.kind].folder, text, digest(text))
        for one, text in texts.items()
    )
    return tagged(Shown(shown, tuple(drafts(connection))), state(texts))


def _edited(data: Edit) -> str:
    if JOURNEY in data.data:
        return rewrite(data.text, journey_of(data.data))
    return rewrite_data(data.text, data.data)


def _planned(parts: Parts, data: Draft) -> Plan:
    question = Question(data.since, data.until or parts.database.now()) if data.backtest else None
    return plan(parts.database, parts.history, Wanted(data.files, data.gone, question))
