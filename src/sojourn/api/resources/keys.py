"""API keys: made, listed, ended; a key is shown once, when it is made."""

from __future__ import annotations

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from sojourn.api.authority import SCOPES, mint
from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.errors import Invalid
from sojourn.store.definitions import keys
from sojourn.store.definitions.keys import Key


class Wanted(msgspec.Struct, frozen=True):
    """What a key is for, and what it may do."""

    name: str
    scopes: tuple[str, ...]


class Minted(msgspec.Struct, frozen=True):
    """A new key and its secret, which nobody can find out again."""

    secret: str
    key: Key


class IdentitySecret(msgspec.Struct, frozen=True):
    """What a customer's server signs the ids of its users with, so that they are believed of a browser."""

    secret: str


@get("/", opt={"scope": "admin"})
async def every(parts: Given) -> list[Key]:
    """All keys, revoked ones too."""
    return await parts.read(keys.every)


@post("/", opt={"scope": "admin"})
async def make(data: JSONBody[Wanted], parts: Given) -> Minted:
    """Make a key."""
    unknown = set(data.scopes) - set(SCOPES)
    if unknown or not data.scopes:
        raise Invalid(f"must be some of {', '.join(SCOPES)}", place="scopes")
    secret, key = await parts.write(lambda c: mint(c, data.name, data.scopes, parts.database.now()))
    return Minted(secret, key)


@delete("/{id:int}", status_code=200, opt={"scope": "admin"})
async def end(id: FromPath[int], parts: Given) -> Key:  # noqa: A002
    """End a key; within seconds it opens nothing any more."""
    return await parts.write(lambda c: keys.revoke(c, id, parts.database.now()))


@get("/identity", opt={"scope": "admin"})
async def identity(parts: Given) -> IdentitySecret:
    """The secret for signing ids: hex HMAC-SHA256 of `user_id:…`, sent as `integrations.Sojourn`."""
    return IdentitySecret(parts.settings.identity_secret.decode())


resource = Resource("keys", (every, make, end, identity))
