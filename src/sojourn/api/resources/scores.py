"""Scores: points on what customers do and are, and what each customer has of them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import msgspec
import numpy as np
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody

from sojourn.api import documents
from sojourn.api.documents import Finding, Shown, Text
from sojourn.api.parts import Given
from sojourn.api.people import tape_of
from sojourn.api.resource import Resource
from sojourn.errors import NotFound
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Scored
from sojourn.rule.evaluate import evaluate
from sojourn.rule.standing.scoring import scored, standing
from sojourn.runtime.publishing.published import definitions


class Worth(msgspec.Struct, frozen=True):
    """What a customer has of a score now, in all and by group."""

    score: str
    value: float
    groups: dict[str, float]


@get("/")
async def every(parts: Given) -> list[Shown]:
    """All scores, by name."""
    return await documents.every(parts, "score")


@get("/{name:str}")
async def one(name: FromPath[str], parts: Given) -> Response[Shown]:
    """One score."""
    return await documents.one(parts, "score", name)


@put("/{name:str}")
async def save(
    request: Request[Any, Any, Any], name: FromPath[str], data: JSONBody[Text], parts: Given
) -> Response[Shown]:
    """Define a score, or change it.  With If-Match only if nobody has changed it since."""
    return await documents.save(request, parts, "score", name, data.text)


@delete("/{name:str}")
async def remove(name: FromPath[str], parts: Given) -> None:
    """Remove a score; rules that ask for it do not hold from then on."""
    await documents.remove(parts, "score", name)


@post("/check", status_code=200, opt={"scope": "read"})
async def check(data: JSONBody[Text], parts: Given) -> list[Finding]:
    """What is wrong with a draft of a score, and what to look at."""
    return await documents.check(parts, "score", data.text)


@get("/{name:str}/customers/{customer:str}")
async def worth(name: FromPath[str], customer: FromPath[str], parts: Given) -> Worth:
    """What the customer with this id has of a score now."""
    known, _ = await parts.read(definitions)
    tape = await tape_of(parts, customer)
    now = np.array([parts.database.now()])
    return await asyncio.to_thread(partial(_worth, name, Cohort((tape,), np.array([0]), now, known.named)))


resource = Resource("scores", (every, one, save, remove, check, worth))


def _worth(name: str, cohort: Cohort) -> Worth:
    score = scored(Scored(name, ()), cohort)
    if score is None:
        raise NotFound(f"there is no score {name!r}")
    found = standing(score, cohort, evaluate)
    groups = {group: round(float(values[0]), 3) for group, values in found.by_group().items() if group}
    return Worth(name, round(float(found.values[0]), 3), groups)
