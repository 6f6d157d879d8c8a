"""The channels: by which provider each kind of message goes, with settings that are never shown again."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import get, post, put
from litestar.params import JSONBody
from sqlalchemy import Connection

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.channel import providers
from sojourn.channel.contract import Channel
from sojourn.registry import declared
from sojourn.runtime.dispatch.halt import halt, halted, resume
from sojourn.runtime.dispatch.ways import CHANNELS, open_ways
from sojourn.store.definitions import settings


class Definition(msgspec.Struct, frozen=True):
    """By kind of message (email, webhook …): provider, settings, sender and the domain of bounces."""

    channels: dict[str, dict[str, Any]]


class Provider(msgspec.Struct, frozen=True):
    """Who can carry a kind of message; `delivery` is the class of what is promised: A, B or C."""

    name: str
    title: str
    kind: str
    delivery: str
    promise: str


class Shown(msgspec.Struct, frozen=True):
    """The channels that are set, and all providers there are; `halted` says why nothing is sent, if so."""

    channels: dict[str, dict[str, Any]]
    providers: tuple[Provider, ...]
    halted: str


class Halt(msgspec.Struct, frozen=True):
    """Why nothing is to be sent."""

    why: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get("/")
async def show(parts: Given) -> Shown:
    """The channels that are set, without their settings: those hold secrets."""
    return await parts.read(_shown)


@put("/", opt={"scope": "admin"})
async def save(data: JSONBody[Definition], parts: Given) -> Shown:
    """Set all channels anew; what is sent from now on goes by them."""
    for way in open_ways(data.channels).values():
        await way.connection.close()
    await parts.write(partial(settings.put, name=CHANNELS, value=data.channels))
    return await parts.read(_shown)


@post("/halt", status_code=200, opt={"scope": "send"})
async def halt_all(data: JSONBody[Halt], parts: Given) -> Shown:
    """Begin no message from now on, by any process: what is planned waits, and nothing is lost."""
    await parts.write(partial(halt, why=data.why))
    return await parts.read(_shown)


@post("/resume", status_code=200, opt={"scope": "send"})
async def resume_all(parts: Given) -> Shown:
    """Send again, all that has waited too."""
    await parts.write(resume)
    return await parts.read(_shown)


resource = Resource("channels", (show, save, halt_all, resume_all))


def _shown(connection: Connection) -> Shown:
    found: dict[str, dict[str, Any]] = settings.get(connection, CHANNELS, {})
    shown = {
        kind: {name: value for name, value in one.items() if name != "settings"}
        for kind, one in found.items()
    }
    return Shown(shown, _providers(), halted(connection))


def _providers() -> tuple[Provider, ...]:
    known = declared(providers, Channel).values()
    return tuple(
        Provider(one.name, one.title, one.kind, one.delivery.value, one.delivery.promise) for one in known
    )
