"""Journeys: drafts, checks, versions, counts, and starting one for a customer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Connection

from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Given, Parts
from sojourn.api.people import Person, identified
from sojourn.api.resource import Resource
from sojourn.api.visitors.told import Mark, tell
from sojourn.errors import Conflict, Invalid, NotFound
from sojourn.journey.changing.diff import Change, changes
from sojourn.journey.check import Finding
from sojourn.journey.definition import REQUESTED
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.runtime.publishing import pausing
from sojourn.runtime.publishing import publish as publishing
from sojourn.runtime.publishing.moving import Fate, Inside
from sojourn.store import counts
from sojourn.store.definitions import journeys
from sojourn.store.definitions.journeys import Journey, Version
from sojourn.tape.hashing import hash_text


class Text(msgspec.Struct, frozen=True):
    """A journey as YAML."""

    text: str


class Publishing(Text, frozen=True):
    """A journey as YAML, and what becomes of those inside an older version: stay, follow or move.

    `map` leads from steps of theirs to new ones, '' for those who are to leave.
    """

    inside: Literal["stay", "follow", "move"] = "stay"
    map: dict[str, str] = {}

    @property
    def wanted(self) -> Inside:
        """The two together."""
        return Inside(self.inside, self.map)


class Restoring(msgspec.Struct, frozen=True):
    """The number of a version, as a journey shows it."""

    version: int


class Shown(msgspec.Struct, frozen=True):
    """A journey, its draft and its versions."""

    name: str
    state: str
    draft: str
    versions: tuple[Version, ...]


class StateWanted(msgspec.Struct, frozen=True):
    """`paused` lets nobody in, moves nobody and sends nothing, `archived` is so for good.

    `waits` says, when it is live again, what the pause was for those who waited.
    """

    state: str
    waits: str = "keep counting"


class Counted(msgspec.Struct, frozen=True):
    """How often something happened on a step: entered, visit, exit (of that name), left (for that reason)."""

    version: int
    step: str
    what: str
    name: str
    count: int


class Start(Person, frozen=True, rename="camel"):
    """Whom to start a journey for, and what the entering event carries.

    `message_id` makes a repeat count once; so does an Idempotency-Key header.
    """

    properties: Mapping[str, str | int | float | bool] = {}
    message_id: str = ""


class Started(msgspec.Struct, frozen=True):
    """The event that asks the journey to take them; whether it does is up to its triggers."""

    event: str


@get("/")
async def every(parts: Given) -> list[Journey]:
    """All journeys, by name."""
    return await parts.read(journeys.every)


@get("/{name:str}")
async def one(name: FromPath[str], parts: Given) -> Response[Shown]:
    """A journey with its draft and versions."""
    return await parts.read(partial(_shown, name=name))


@put("/{name:str}")
async def save(
    request: Request[Any, Any, Any], name: FromPath[str], data: JSONBody[Text], parts: Given
) -> Response[Shown]:
    """Save a draft, of a new journey too.  With If-Match only if nobody has changed it since."""
    draft = read_journey(data.text)
    if draft.name != name:
        raise Invalid(f"the text is of {draft.name!r}, not of {name!r}", place="journey")
    await parts.write(partial(_save, parts=parts, name=name, text=data.text, match=matched(request)))
    return await parts.read(partial(_shown, name=name))


@post("/check", status_code=200)
async def check(data: JSONBody[Text], parts: Given) -> list[Finding]:
    """What is wrong with a draft, errors first; nothing is kept."""
    draft = read_journey(data.text)
    return await parts.read(lambda connection: publishing.findings(connection, draft, parts.history))


@post("/publish", status_code=200)
async def publish(data: JSONBody[Publishing], parts: Given) -> Version:
    """Make a version that takes all new runs from now on; those inside stay on theirs, follow or move."""
    now = parts.database.now()
    return await parts.write(
        lambda c: publishing.publish(c, data.text, now, names=parts.names, inside=data.wanted)
    )


@post("/preview", status_code=200)
async def preview(data: JSONBody[Publishing], parts: Given) -> list[Fate]:
    """What would become of those inside if this were published now; nothing is changed."""
    now = parts.database.now()
    return await parts.read(lambda c: publishing.foretell(c, data.text, parts.history, data.wanted, now))


@get("/{name:str}/diff")
async def diff(
    name: FromPath[str], parts: Given, before: FromQuery[int], after: FromQuery[int] = 0
) -> list[Change]:
    """What makes one version (by number) another; without `after`, what makes it the draft."""
    return await parts.read(partial(_diff, name=name, before=before, after=after))


@post("/{name:str}/restore", status_code=200)
async def restore(name: FromPath[str], data: JSONBody[Restoring], parts: Given) -> Response[Shown]:
    """Make the text of an old version the draft again; publish it to let it run."""
    await parts.write(partial(_restore, name=name, number=data.version, now=parts.database.now()))
    return await parts.read(partial(_shown, name=name))


@put("/{name:str}/state", status_code=200)
async def set_state(name: FromPath[str], data: JSONBody[StateWanted], parts: Given) -> Response[Shown]:
    """Run, pause or archive a journey."""
    if data.state not in {"live", "paused", "archived"}:
        raise Invalid("must be live, paused or archived", place="state")
    await parts.write(partial(_turn, parts=parts, name=name, data=data))
    return await parts.read(partial(_shown, name=name))


@get("/{name:str}/counts")
async def counted(name: FromPath[str], parts: Given) -> list[Counted]:
    """The counts of all versions, step by step."""
    return await parts.read(partial(_counted, name=name))


@post("/{name:str}/start", status_code=202, opt={"scope": "send"})
async def start(
    request: Request[Any, Any, Any], name: FromPath[str], data: JSONBody[Start], parts: Given
) -> Started:
    """Ask a journey to take a customer: its trigger is the event `Journey Requested` with its name."""
    message = data.message_id or request.headers.get("idempotency-key", "") or uuid.uuid4().hex
    key = hash_text(f"start.{name}.{message}")
    await parts.write(partial(_start, parts=parts, name=name, data=data, key=key))
    return Started(f"{key:016x}")


resource = Resource(
    "journeys",
    (every, one, save, check, publish, preview, diff, restore, set_state, counted, start),
)


def _shown(connection: Connection, name: str) -> Response[Shown]:
    journey = journeys.find(connection, name)
    versions = tuple(journeys.of_journey(connection, journey.id))
    return tagged(Shown(journey.name, journey.state, journey.draft, versions), journey.etag)


def _turn(connection: Connection, parts: Parts, name: str, data: StateWanted) -> None:
    now, present = parts.database.now(), journeys.find(connection, name).state
    if data.state == "live":
        if present == "draft":
            raise Conflict(f"journey {name!r} has not been published yet")
        if present != "live":
            pausing.resume(connection, name, data.waits, now)
    elif data.state == "archived":
        pausing.archive(connection, name, now)
    elif present != "paused":
        pausing.pause(connection, name, now)


def _diff(connection: Connection, name: str, before: int, after: int) -> list[Change]:
    new = _version(connection, name, after) if after else journeys.find(connection, name).draft
    return list(changes(read_journey(_version(connection, name, before)), read_journey(new)))


def _restore(connection: Connection, name: str, number: int, now: int) -> None:
    journeys.save_draft(connection, name, _version(connection, name, number), now)


def _version(connection: Connection, name: str, number: int) -> str:
    """The text of a version; raises NotFound."""
    for version in journeys.of_journey(connection, journeys.find(connection, name).id):
        if version.number == number:
            return version.text
    raise NotFound(f"journey {name!r} has no version {number}")


def _save(connection: Connection, parts: Parts, name: str, text: str, match: int | None) -> None:
    now = parts.database.now()
    if name in {journey.name for journey in journeys.every(connection)}:
        journeys.save_draft(connection, name, text, now, match=match)
    elif match is not None:
        raise Conflict(f"there is no journey {name!r} any more")
    else:
        journeys.create(connection, name, text, now)


def _counted(connection: Connection, name: str) -> list[Counted]:
    found = []
    for version in journeys.of_journey(connection, journeys.find(connection, name).id):
        steps = [placed.id for placed in Program(read_journey(version.text)).placed]
        for (_, step, what, which), count in counts.of_version(connection, version.id).items():
            found.append(Counted(version.number, steps[step] if step >= 0 else "", what, which, count))
    return found


def _start(connection: Connection, parts: Parts, name: str, data: Start, key: int) -> None:
    now = parts.database.now()
    if journeys.find(connection, name).state != "live":
        raise Conflict(f"journey {name!r} is not live")
    customer = identified(connection, data, now)
    mark = Mark(key, REQUESTED, customer, now, {**data.properties, "journey": name})
    tell(connection, parts.names, [mark], now)
