"""What a resource is: endpoints under one path that need a key, declared in one file each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from sojourn.api.parts import Parts


@dataclass(frozen=True)
class Resource:
    """The endpoints under /api/<name>; reading needs the scope `read`, all else `write`, unless an
    endpoint says another in its `opt`."""

    name: str
    endpoints: tuple[Any, ...]

    def router(self) -> Router:
        """The endpoints as Litestar takes them."""
        return Router(
            f"/api/{self.name}",
            route_handlers=list(self.endpoints),
            guards=[admit],
            tags=[self.name.capitalize()],
            security=[{"key": []}],
        )


async def admit(connection: ASGIConnection[Any, Any, Any, Any], endpoint: BaseRouteHandler) -> None:
    """Let nobody in whose key lacks the scope.  Raises Unauthenticated, Forbidden or TooMany."""
    parts: Parts = connection.app.state.parts
    scope = endpoint.opt.get("scope") or ("read" if connection.scope.get("method") == "GET" else "write")
    key = await parts.authority.allow(connection.headers.get("authorization"), str(scope))
    parts.by_key.check(str(key.id))
