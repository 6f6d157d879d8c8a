"""Errors as people's programs read them: problem details (RFC 9457) with a code, a message and the places."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from sojourn.errors import (
    CallerError,
    Conflict,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFound,
    SojournError,
    Unavailable,
)

PROBLEM_JSON = "application/problem+json"

_log = structlog.get_logger(__name__)


class Unauthenticated(CallerError):
    """The caller has not said who they are, or nobody we know."""


class TooMany(SojournError):
    """The caller, or everybody together, asks more than we take; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class TooSlow(CallerError):
    """The request did not arrive in the time it may take."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """One mistake and where it is; `source` is the file, of several."""

    message: str
    place: str = ""
    line: int = 0
    source: str = ""


class Problem(msgspec.Struct, frozen=True):
    """What went wrong: `code` for programs, `message` (again as `detail`) for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str
    errors: tuple[Place, ...] = ()


_STATUS: dict[type[SojournError], tuple[int, str]] = {
    Invalid: (400, "invalid"),
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    NotFound: (404, "not_found"),
    TooSlow: (408, "too_slow"),
    Conflict: (409, "conflict"),
    TooMany: (429, "too_many"),
    Unavailable: (503, "unavailable"),
    Misconfigured: (503, "misconfigured"),
}


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The answer to a request that ended in an error; what is our own fault is logged, never shown."""
    match error:
        case SojournError():
            status, code = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), (500, ""))
        case HTTPException():
            status, code = error.status_code, ""
        case _:
            status, code = 500, ""
    if status == 500:
        _log.error("request failed", path=request.url.path, exc_info=error)
    message = _message(error) if status < 500 or code else "Something went wrong on our side."
    problem = Problem(
        type=f"urn:sojourn:problem:{code or _code(status)}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=message,
        instance=request.url.path,
        code=code or _code(status),
        message=message,
        errors=_places(error),
    )
    return Response(problem, status_code=status, media_type=PROBLEM_JSON, headers=_headers(error))


def _code(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def _message(error: Exception) -> str:
    return error.detail if isinstance(error, HTTPException) else str(error)


def _places(error: Exception) -> tuple[Place, ...]:
    match error:
        case Invalid():
            return (Place(error.message, error.place, error.line, error.source),)
        case ValidationException(extra=list() as found):
            return tuple(Place(str(one.get("message", "")), str(one.get("key", ""))) for one in found)
    return ()


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case Unavailable() | TooMany():
            return {"Retry-After": str(error.retry_after)}
        case Unauthenticated():
            return {"WWW-Authenticate": 'Basic realm="Sojourn", Bearer realm="Sojourn"'}
        case HTTPException():
            return {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return {}
