"""The policy: what consent each purpose needs, how many messages are enough, and when to be quiet."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, put
from litestar.params import JSONBody
from sqlalchemy import Connection

from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.message import policy
from sojourn.runtime.publishing.published import POLICY
from sojourn.store.definitions import settings


class Definition(msgspec.Struct, frozen=True):
    """The whole policy; what is left out has its default."""

    policy: dict[str, Any]


@get("/")
async def show(parts: Given) -> Response[Definition]:
    """The policy that holds."""
    return await parts.read(_shown)


@put("/")
async def save(
    request: Request[Any, Any, Any], data: JSONBody[Definition], parts: Given
) -> Response[Definition]:
    """Change the policy.  With If-Match only if nobody has changed it since."""
    policy.parse(data.policy)
    await parts.write(partial(settings.put, name=POLICY, value=data.policy, match=matched(request)))
    return await parts.read(_shown)


resource = Resource("policy", (show, save))


def _shown(connection: Connection) -> Response[Definition]:
    found = settings.get(connection, POLICY, {})
    return tagged(Definition(found), settings.etag(connection, POLICY))
