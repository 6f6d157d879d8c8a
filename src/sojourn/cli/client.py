"""Speaks the API: to the `serve` of a data folder if one runs, else to the application within this process.

So there is one way in which things are changed, whoever changes them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sojourn.cli import serving
from sojourn.cli.installation import opened_at
from sojourn.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFound,
    SojournError,
    Unavailable,
)

if TYPE_CHECKING:
    import httpx

    from sojourn.app import App

_CALLERS = {"not_found": NotFound, "conflict": Conflict, "forbidden": Forbidden, "unauthenticated": Forbidden}


@dataclass(frozen=True)
class Api:
    """Where the API is; without a `transport` it is at the other end of a socket."""

    url: str
    key: str = ""
    transport: httpx.ASGITransport | None = None

    def call(self, method: str, path: str, body: object = None, *, match: int | None = None) -> Any:
        """What the API answers; with `match` only if what was read still is as its tag says.

        Raises the error that it names, or Unavailable where nobody answers.
        """
        import httpx

        try:
            answer = asyncio.run(self._call(method, path, body, match))
        except httpx.TransportError as error:
            raise Unavailable(f"{self.url} does not answer ({error}): is `sojourn serve` well?") from error
        if answer.is_error:
            raise _error(answer)
        return answer.json() if answer.content else None

    async def _call(self, method: str, path: str, body: object, match: int | None) -> httpx.Response:
        import httpx
        import msgspec

        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        headers |= {} if match is None else {"If-Match": f'"{match}"'}
        content = None if body is None else msgspec.json.encode(body)
        # Without a limit: an import takes as long as it takes.
        async with httpx.AsyncClient(base_url=self.url, transport=self.transport, timeout=None) as client:  # noqa: S113
            return await client.request(method, path, content=content, headers=headers)


@contextmanager
def reached(data: Path | None, database: str | None, server: str | None = None) -> Iterator[Api]:
    """The API of an installation: the one at `server`, else that of a data folder, made if it is not there.

    Raises Misconfigured without a key for the server.
    """
    if server:
        yield Api(server.rstrip("/"), _key())
        return
    from sojourn.app import settings

    place = settings(data, database)
    served = serving.running(place.data)
    if served:
        yield Api(served.url, served.key)
        return
    with opened_at(place) as app:
        yield within(app)


def within(app: App) -> Api:
    """The API of an open installation, in this process: who can open it may do everything."""
    import httpx

    from sojourn.cli.owner import Owner

    web = app.web("http://localhost", Owner(app.database))
    return Api("http://localhost", transport=httpx.ASGITransport(web))  # type: ignore[arg-type]


def _key() -> str:
    key = os.environ.get("SOJOURN_KEY", "")
    if not key:
        raise Misconfigured("SOJOURN_KEY is not set: make a key there by `sojourn keys make`")
    return key


def _error(answer: httpx.Response) -> SojournError:
    if "json" not in answer.headers.get("content-type", ""):
        return Unavailable(f"{answer.url} answers {answer.status_code}, and not as Sojourn does")
    problem = answer.json()
    message = str(problem.get("message", answer.text))
    if problem.get("code") == "invalid":
        first = (problem.get("errors") or [{"message": message}])[0]
        where = {name: first[name] for name in ("place", "line", "source") if name in first}
        return Invalid(first["message"], **where)
    if problem.get("code") in _CALLERS:
        return _CALLERS[problem["code"]](message)
    return Unavailable(message) if answer.status_code in (429, 503) else SojournError(message)
