"""Backtests: what a draft would have done, and why a customer is where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.api.people import customer_named, subjects_of
from sojourn.api.resource import Resource
from sojourn.journey.definition import Journey
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.lake.layout import Wanted
from sojourn.runtime import backtest
from sojourn.runtime.backtest import Answer, Question
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.explain import Explanation, explain
from sojourn.runtime.publishing.publish import newest
from sojourn.runtime.publishing.published import published


class Draft(msgspec.Struct, frozen=True):
    """A journey as YAML, and the entries to count: after `since` and until `until`, microseconds UTC.

    `figures` are shares of messages assumed to be opened or clicked where nothing tells.
    """

    text: str
    since: int = Question.since
    until: int = 0
    figures: Mapping[str, float] = {}


@post("/", status_code=200, opt={"scope": "read"})
async def play(data: JSONBody[Draft], parts: Given) -> Answer:
    """Play a draft over all of history."""
    draft = read_journey(data.text)
    question = Question(data.since, data.until or parts.database.now(), data.figures)
    catalogue = await parts.read(published)
    return await asyncio.to_thread(_played, parts, draft, catalogue, question)


@get("/{journey:str}/{customer:str}")
async def explained(journey: FromPath[str], customer: FromPath[str], parts: Given) -> Explanation:
    """Why a customer did or did not enter a published journey, branch or get a message, gate by gate."""
    catalogue, wanted, program = await parts.read(
        lambda c: (published(c), _wanted(c, customer), newest(c, journey))
    )
    return await asyncio.to_thread(_explained, parts, program, catalogue, wanted)


resource = Resource("backtests", (play, explained))


def _wanted(connection: Connection, customer: str) -> Wanted:
    return Wanted(subjects=subjects_of(connection, customer_named(connection, customer)))


def _played(parts: Parts, draft: Journey, catalogue: Catalogue, question: Question) -> Answer:
    return backtest.backtest(draft, parts.history.tape(), catalogue, question)


def _explained(parts: Parts, program: Program, catalogue: Catalogue, wanted: Wanted) -> Explanation:
    return explain(program, parts.history.tape(wanted), catalogue, parts.database.now())
