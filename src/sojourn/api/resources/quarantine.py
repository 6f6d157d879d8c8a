"""Quarantine: calls that could not be taken, with the reason, to be taken after all."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.errors import Invalid, NotFound
from sojourn.ingest.event import Origin
from sojourn.ingest.wire import segment
from sojourn.ingest.wire.lenient import Envelope
from sojourn.ingest.wire.trust import Source
from sojourn.store.files import quarantine
from sojourn.store.files.quarantine import Kept


class Corrected(msgspec.Struct, frozen=True):
    """The call as it should have been; without it, the one that lies there."""

    call: dict[str, Any] | None = None


class Taken(msgspec.Struct, frozen=True):
    """Which was taken."""

    id: int


@get("/")
async def waiting(
    parts: Given, after: FromQuery[int] = 0, limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100
) -> list[Kept]:
    """What waits, with ids beyond `after`."""
    return await parts.read(lambda connection: quarantine.page(connection, after, limit))


@post("/{id:int}/replay", status_code=200, opt={"scope": "admin"})
async def replay(id: FromPath[int], data: JSONBody[Corrected], parts: Given) -> Taken:  # noqa: A002
    """Take a call after all, as if a server had sent it now."""
    found = await parts.read(lambda connection: quarantine.page(connection, id - 1, 1))
    if not found or found[0].id != id:
        raise NotFound(f"nothing waits under {id}")
    raw = msgspec.json.encode(data.call) if data.call else found[0].raw.encode()
    salt = f"quarantine.{id}"
    reading = segment.read(Envelope([msgspec.Raw(raw)]), Source(Origin.SERVER), parts.database.now(), salt)
    if reading.rejected:
        why = reading.rejected[0]
        await parts.write(lambda c: quarantine.failed(c, [id], why.why))
        raise Invalid(why.why, place=why.place)
    await asyncio.wrap_future(parts.intake.take(reading, "quarantine"))
    await parts.write(lambda c: quarantine.replayed(c, [id], parts.database.now()))
    return Taken(id)


resource = Resource("quarantine", (waiting, replay))
