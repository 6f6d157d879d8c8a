"""Tasks: what journeys ask of the team; whoever has done one says so, and the customer's run goes on."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Annotated

import msgspec
import numpy as np
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.api.resource import Resource
from sojourn.api.visitors.told import Mark, tell
from sojourn.errors import Conflict, NotFound
from sojourn.runtime.explain import iso
from sojourn.store import customers, tasks
from sojourn.tape.hashing import hash_text, mix

COMPLETED = "Task Completed"
_ID = re.compile("[0-9a-f]{16}")


class Task(msgspec.Struct, frozen=True):
    """One task; instants are ISO 8601, UTC."""

    id: str  # 16 hex digits
    title: str
    customer: int
    owner: str
    role: str
    due: str
    created: str
    journey: str
    step: str
    done: str = ""
    outcome: str = ""


class Done(msgspec.Struct, frozen=True):
    """What came of a task."""

    outcome: str = ""


@get("/")
async def every(
    parts: Given,
    owner: FromQuery[str] = "",
    role: FromQuery[str] = "",
    done: FromQuery[bool] = False,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
) -> list[Task]:
    """The open tasks, the most urgent first, or those that are done."""
    return await parts.read(partial(_listed, owner=owner, role=role, done=done, limit=limit))


@post("/{task:str}/done", status_code=200)
async def finish(task: FromPath[str], data: JSONBody[Done], parts: Given) -> Task:
    """Say that a task is done; whoever waits for it goes on."""
    return await parts.write(partial(_finish, parts=parts, task=task, outcome=data.outcome))


def _listed(connection: Connection, owner: str, role: str, *, done: bool, limit: int) -> list[Task]:
    found = tasks.listed(connection, owner, role, done=done, limit=limit)
    owners = customers.customers_of(connection, found.customer)  # after merges another's
    return _told(replace(found, customer=np.where(owners > 0, owners, found.customer)))


def _finish(connection: Connection, parts: Parts, task: str, outcome: str) -> Task:
    key, now = _key(task), parts.database.now()
    known = tasks.by_key(connection, np.array([key]))
    if not len(known):
        raise NotFound(f"there is no task {task!r}")
    if not tasks.finish(connection, key, outcome, now):
        raise Conflict(f"task {task!r} is done already")
    told = {"task": task, "journey": known.journey[0], "step": known.step[0], "title": known.title[0]}
    mark = Mark(
        key=int(mix(key, hash_text(COMPLETED))[0]),
        name=COMPLETED,
        customer=int(known.customer[0]),
        happened=now,
        properties={**told, "outcome": outcome},
        run=int(known.run[0]),
    )
    tell(connection, parts.names, [mark], now)
    return _told(tasks.by_key(connection, np.array([key])))[0]


def _key(task: str) -> int:
    if not _ID.fullmatch(task) or int(task, 16) >= 2**63:
        raise NotFound(f"there is no task {task!r}")
    return int(task, 16)


def _told(found: tasks.Tasks) -> list[Task]:
    return [
        Task(
            id=f"{int(found.key[n]):016x}",
            title=found.title[n],
            customer=int(found.customer[n]),
            owner=found.owner[n],
            role=found.role[n],
            due=iso(int(found.due[n])),
            created=iso(int(found.created[n])),
            journey=found.journey[n],
            step=found.step[n],
            done=iso(int(found.done[n])) if found.done[n] else "",
            outcome=found.outcome[n],
        )
        for n in range(len(found))
    ]


TASKS = Resource("tasks", (every, finish))
