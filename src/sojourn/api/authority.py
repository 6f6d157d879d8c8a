"""Says who calls: an API key by its secret, given in any of the ways that clients give it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import Connection

from sojourn.api.problems import Unauthenticated
from sojourn.errors import Forbidden, Unavailable
from sojourn.store.database import Database
from sojourn.store.definitions import keys
from sojourn.store.definitions.keys import Key

PUBLIC, SERVER = "track:public", "track:server"
"""Scopes of keys that send events: from a browser, where everybody can read them, or from a server."""

MAIL = "mail"
"""The scope of a mail server's key, which may lie on another machine: hand over mails, and no more."""

SCOPES = (PUBLIC, SERVER, MAIL, "read", "write", "send", "admin")
"""What a key may do: send events, hand over mails that came in, read everything, change definitions,
start journeys, all of it."""

_FRESH = 10.0  # seconds until a key is looked up again: as long a revoked one may still be used
_MOST = 10_000  # keys remembered, wrong ones too


def mint(
    connection: Connection, name: str, scopes: Iterable[str], now: int, secret: str = ""
) -> tuple[str, Key]:
    """A new key and its secret, which nobody can find out again; `secret` if it is to be a given one."""
    scopes = tuple(scopes)
    secret = secret or f"sj_{'pub' if scopes == (PUBLIC,) else 'key'}_{secrets.token_urlsafe(32)}"
    return secret, keys.create(
        connection, name, secret[: min(12, len(secret) // 3)], _digest(secret), scopes, now
    )


def credentials(authorization: str | None) -> str:
    """The secret in an Authorization header: Bearer, or Basic with or without the colon; empty if none."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(value.strip() + "==").decode().partition(":")[0]
    return ""


class Authority:
    """The keys of one database, remembered for some seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[Key | None, float]] = {}

    async def key(self, *given: str) -> Key:
        """The key of the first secret that is one; raises Unauthenticated."""
        for secret in given:
            if secret:
                found = await self._find(_digest(secret))
                if found:
                    return found
        raise Unauthenticated("a valid API key is required")

    async def allow(self, authorization: str | None, scope: str) -> Key:
        """The key in the header, which must have the scope; raises Unauthenticated or Forbidden."""
        key = await self.key(credentials(authorization))
        if not {scope, "admin"} & set(key.scopes):
            raise Forbidden(f"this key may not do this: it lacks the scope {scope}")
        return key

    async def _find(self, digest: str) -> Key | None:
        found, until = self._known.get(digest, (None, 0.0))
        if until < time.monotonic():
            found = await asyncio.to_thread(self._look_up, digest)
            if len(self._known) > _MOST:
                self._known.clear()
            self._known[digest] = (found, time.monotonic() + _FRESH)
        return found

    def _look_up(self, digest: str) -> Key | None:
        now = self._database.now()
        with self._database.reading() as connection:
            found = keys.find(connection, digest, now)
        if found and now - found.last_used > 60_000_000:
            with suppress(Unavailable):  # a note that may be lost
                self._database.submit(lambda connection: keys.used(connection, [found.id], now))
        return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
