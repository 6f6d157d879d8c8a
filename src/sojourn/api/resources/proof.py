"""Proof: what journeys caused, by those who are held out of them, and what that is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, get, put
from litestar.params import FromQuery, JSONBody
from sqlalchemy import Connection

from sojourn.analytics.metrics.lift import LiftAnswer, LiftQuestion, lift
from sojourn.analytics.metrics.roi import RoiAnswer, RoiQuestion, roi
from sojourn.analytics.metrics.variants import VariantsAnswer, VariantsQuestion, variants
from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Given, Parts
from sojourn.api.resource import Resource
from sojourn.errors import Invalid
from sojourn.lake.layout import Wanted
from sojourn.rule.span import extent, parse_date, parse_span
from sojourn.runtime.proving import experiments, questions, terms
from sojourn.runtime.proving.terms import Terms
from sojourn.store.definitions import settings
from sojourn.tape.tape import LONG_AGO, Tape

Question = TypeVar("Question", LiftQuestion, RoiQuestion, VariantsQuestion)
Answer = TypeVar("Answer", LiftAnswer, RoiAnswer, VariantsAnswer)


class Definition(msgspec.Struct, frozen=True):
    """The terms as people write them: holdout, money, margin."""

    proof: dict[str, Any]


class Lift(msgspec.Struct, frozen=True):
    """What was asked, in full, and what may be said."""

    question: LiftQuestion
    answer: LiftAnswer


class Roi(msgspec.Struct, frozen=True):
    """What was asked, in full, and what came of it."""

    question: RoiQuestion
    answer: RoiAnswer


class Variants(msgspec.Struct, frozen=True):
    """What was asked, in full, and what may be said."""

    question: VariantsQuestion
    answer: VariantsAnswer


class Winner(msgspec.Struct, frozen=True):
    """Which variant of an experiment is given from now on."""

    journey: str
    step: str
    variant: str


@get("/")
async def show(parts: Given) -> Response[Terms]:
    """The terms that hold."""
    return await parts.read(_shown)


@put("/")
async def save(request: Request[Any, Any, Any], data: JSONBody[Definition], parts: Given) -> Response[Terms]:
    """Change the terms.  With If-Match only if nobody has changed them since."""
    found, now = terms.parse(data.proof), parts.database.now()
    await parts.write(partial(terms.save, terms=found, now=now, match=matched(request)))
    return await parts.read(_shown)


@get("/lift")
async def show_lift(
    parts: Given,
    journey: FromQuery[str] = "",
    money: FromQuery[bool] = False,
    within: FromQuery[str] = "",
) -> Lift:
    """How much more the customers of a journey did than those held out; without one, of all journeys."""
    span = parse_span(within, "within").length if within else 0
    now = parts.database.now()
    asked = partial(questions.lift_question, journey=journey, now=now, money=money, within=span)
    return Lift(*await _answered(parts, asked, lift))


@get("/roi")
async def show_roi(
    parts: Given,
    journey: FromQuery[str],
    within: FromQuery[str] = "",
    begins: FromQuery[str] = "",
    ends: FromQuery[str] = "",
) -> Roi:
    """What a journey cost and brought; `begins` and `ends` are the days (both included) of entries."""
    span = parse_span(within, "within").length if within else 0
    since = _day(begins, "begins")[0] if begins else int(LONG_AGO)
    until = _day(ends, "ends")[1] if ends else None
    asked = partial(
        questions.roi_question,
        journey=journey,
        now=parts.database.now(),
        within=span,
        begins=since,
        ends=until,
    )
    return Roi(*await _answered(parts, asked, roi))


@get("/variants")
async def show_variants(
    parts: Given, journey: FromQuery[str], step: FromQuery[str], money: FromQuery[bool] = False
) -> Variants:
    """What came of the variants of an experiment, and which has won."""
    now = parts.database.now()
    asked = partial(experiments.question, name=journey, step=step, now=now, money=money)
    return Variants(*await _answered(parts, asked, variants))


@put("/winner", status_code=200)
async def decide(data: JSONBody[Winner], parts: Given) -> Winner:
    """Let whoever comes from now on get one variant of an experiment; '' opens it again."""
    now = parts.database.now()
    await parts.write(lambda c: experiments.decide(c, data.journey, data.step, data.variant, now))
    return data


resource = Resource("proof", (show, save, show_lift, show_roi, show_variants, decide))


async def _answered(
    parts: Parts, asked: Callable[[Connection], Question], answer: Callable[[Tape, Question], Answer]
) -> tuple[Question, Answer]:
    question = await parts.read(asked)
    tape = await asyncio.to_thread(parts.history.tape, Wanted(keys=False, runs=False))
    return question, await asyncio.to_thread(answer, tape, question)


def _shown(connection: Connection) -> Response[Terms]:
    return tagged(terms.load(connection), settings.etag(connection, terms.PROOF))


def _day(text: str, place: str) -> tuple[int, int]:
    """From when to when the day lasts, in UTC."""
    day = parse_date(text, place)
    begins, ends = extent(day, "UTC")
    if ends - begins == 1:
        raise Invalid("must be a day such as 2026-03-31", place=place)
    return begins, ends
