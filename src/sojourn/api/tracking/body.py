"""Reads the body of a request within limits of size and time, whatever its headers say of it."""

from __future__ import annotations

import asyncio
import zlib

from litestar.types import Receive

from sojourn.api.problems import TooSlow
from sojourn.errors import Invalid

_GZIP = b"\x1f\x8b"
_EITHER = 32 + zlib.MAX_WBITS  # zlib tells gzip from deflate by its header
PATIENCE = 30.0  # seconds for a whole body: a client on the slowest network sends 500 KB in it


async def whole(
    receive: Receive, at_most: int, announced: int | None = None, patience: float = PATIENCE
) -> bytes:
    """The body, unpacked if it is gzip (clients label it in many ways), of at most so many bytes.

    `announced` is its Content-Length.  Never holds more than twice `at_most` in memory.  Raises
    Invalid or TooSlow.
    """
    if announced is not None and announced > at_most:
        raise Invalid(f"larger than {at_most:,} bytes", place="body")
    body, unpacker, more, come = bytearray(), None, True, 0
    try:
        async with asyncio.timeout(patience):
            while more and come != announced:
                chunk, more = await _next(receive)
                come += len(chunk)
                if not body and unpacker is None and chunk.startswith(_GZIP):
                    unpacker = zlib.decompressobj(_EITHER)
                body += unpacker.decompress(chunk, at_most + 1 - len(body)) if unpacker else chunk
                if len(body) > at_most:
                    raise Invalid(f"larger than {at_most:,} bytes", place="body")
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {patience:.0f} seconds") from None
    except zlib.error as error:
        raise Invalid(f"is no gzip: {error}", place="body") from None
    if unpacker and not unpacker.eof:
        raise Invalid("ends in the middle of its gzip", place="body")
    return bytes(body)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    """What came, and whether there is more; raises Invalid when the client is gone."""
    message = await receive()
    if message["type"] != "http.request":
        raise Invalid("broken off", place="body")
    return message["body"], message.get("more_body", False)
