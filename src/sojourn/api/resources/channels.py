"""The channels: by which provider each kind of message goes, with settings that are never shown again."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from litestar import get, put
from litestar.params import JSONBody
from sqlalchemy import Connection

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.runtime.dispatch.ways import CHANNELS, open_ways
from sojourn.store.definitions import settings


class Definition(msgspec.Struct, frozen=True):
    """By kind of message (email, webhook …): provider, settings, sender and the domain of bounces."""

    channels: dict[str, dict[str, Any]]


@get("/")
async def show(parts: Given) -> Definition:
    """The channels that are set, without their settings: those hold secrets."""
    return await parts.read(_shown)


@put("/", opt={"scope": "admin"})
async def save(data: JSONBody[Definition], parts: Given) -> Definition:
    """Set all channels anew; what is sent from now on goes by them."""
    for way in open_ways(data.channels).values():
        await way.connection.close()
    await parts.write(partial(settings.put, name=CHANNELS, value=data.channels))
    return await parts.read(_shown)


resource = Resource("channels", (show, save))


def _shown(connection: Connection) -> Definition:
    found: dict[str, dict[str, Any]] = settings.get(connection, CHANNELS, {})
    shown = {
        kind: {name: value for name, value in one.items() if name != "settings"}
        for kind, one in found.items()
    }
    return Definition(shown)
