"""Lists: what customers join and leave, by their own wish, by ours, or by a journey's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
import numpy as np
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy import Connection

from sojourn.api import documents
from sojourn.api.documents import Shown, Text
from sojourn.api.parts import Given, Parts
from sojourn.api.people import customer_named
from sojourn.api.resource import Resource
from sojourn.api.visitors.told import Mark, tell
from sojourn.errors import Invalid, NotFound
from sojourn.lake.layout import Wanted
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import LIST_JOINED, LIST_LEFT, OnList
from sojourn.rule.evaluate import evaluate
from sojourn.store.definitions import documents as stored
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Ints

MOST = 10_000
"""So many customers a request are put on a list within about a second."""


class Wishes(msgspec.Struct, frozen=True):
    """Who is to join and who is to leave, by any of their ids: `email:ada@example.org`."""

    join: Sequence[str] = ()
    leave: Sequence[str] = ()


class Done(msgspec.Struct, frozen=True):
    """How many joined and left, and the ids by which nobody is known."""

    joined: int
    left: int
    unknown: tuple[str, ...]


class Members(msgspec.Struct, frozen=True):
    """How many are on the list, and the first of them."""

    count: int
    customers: list[int]


@get("/")
async def every(parts: Given) -> list[Shown]:
    """All lists, by name."""
    return await documents.every(parts, "list")


@get("/{name:str}")
async def one(name: FromPath[str], parts: Given) -> Response[Shown]:
    """One list."""
    return await documents.one(parts, "list", name)


@put("/{name:str}")
async def save(
    request: Request[Any, Any, Any], name: FromPath[str], data: JSONBody[Text], parts: Given
) -> Response[Shown]:
    """Define a list, or describe it anew.  With If-Match only if nobody has changed it since."""
    return await documents.save(request, parts, "list", name, data.text)


@delete("/{name:str}")
async def remove(name: FromPath[str], parts: Given) -> None:
    """Remove a list; what tapes tell of it stays."""
    await documents.remove(parts, "list", name)


@get("/{name:str}/customers")
async def members(
    name: FromPath[str], parts: Given, limit: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100
) -> Members:
    """Who is on a list now."""
    await parts.read(partial(stored.find, kind="list", name=name))
    there = await asyncio.to_thread(_members, parts, name)
    return Members(len(there), there[:limit].tolist())


@post("/{name:str}/customers", status_code=200)
async def change(name: FromPath[str], data: JSONBody[Wishes], parts: Given) -> Done:
    """Put customers on a list, or take them off it; a journey may be waiting for that."""
    if len(data.join) + len(data.leave) > MOST:
        raise Invalid(f"at most {MOST} customers at once")
    return await parts.write(partial(_change, parts=parts, name=name, wishes=data))


resource = Resource("lists", (every, one, save, remove, members, change))


def _members(parts: Parts, name: str) -> Ints:
    tape = parts.history.tape(Wanted(names=frozenset((LIST_JOINED, LIST_LEFT)), keys=False, runs=False))
    n = len(tape.customers)
    on = evaluate(OnList(name), Cohort((tape,), np.arange(n), np.full(n, parts.database.now())))
    return tape.customers[on]


def _change(connection: Connection, parts: Parts, name: str, wishes: Wishes) -> Done:
    stored.find(connection, "list", name)
    now, unknown = parts.database.now(), list[str]()
    told = {LIST_JOINED: wishes.join, LIST_LEFT: wishes.leave}
    for what, people in told.items():
        found = dict.fromkeys(_known(connection, people, unknown))
        marks = [Mark(_key(what, name, one, now), what, one, now, {"list": name}) for one in found]
        tell(connection, parts.names, marks, now)
        told[what] = [str(one) for one in found]
    return Done(len(told[LIST_JOINED]), len(told[LIST_LEFT]), tuple(unknown))


def _known(connection: Connection, people: Sequence[str], unknown: list[str]) -> list[int]:
    found = []
    for person in people:
        try:
            found.append(customer_named(connection, person))
        except NotFound:
            unknown.append(person)
    return found


def _key(what: str, name: str, customer: int, now: int) -> int:
    return int(mix(hash_text(what), hash_text(name), customer, now)[0])
