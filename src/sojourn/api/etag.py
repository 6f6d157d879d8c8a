"""Guards against two people changing one thing at once: entity tags (RFC 9110, section 8.8.3)."""

from __future__ import annotations

from typing import Any, TypeVar

from litestar import Request, Response

from sojourn.errors import Invalid

Content = TypeVar("Content")


def tagged(content: Content, tag: int) -> Response[Content]:
    """The answer with the tag of what was read, to be sent back as If-Match with a change."""
    return Response(content, headers={"ETag": f'"{tag}"'})


def matched(request: Request[Any, Any, Any]) -> int | None:
    """The tag that a change was made from, None where any will do; raises Invalid."""
    given = request.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    number = given.removeprefix("W/").strip('"')
    if not number.isdecimal():
        raise Invalid("is no tag that we gave", place="If-Match")
    return int(number)
