"""API keys: only their hashes are kept, with what each may do and when it was last used."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.errors import NotFound
from sojourn.store.tables import NEVER, api_keys


class Key(msgspec.Struct, frozen=True):
    """A key as it may be shown: its secret is known to nobody."""

    id: int
    name: str
    prefix: str  # its first letters, to know it again
    scopes: tuple[str, ...]
    created: int  # microseconds UTC, as are the next three
    expires: int
    last_used: int
    revoked: int  # 0 while it is valid


def create(
    connection: Connection,
    name: str,
    prefix: str,
    digest: str,
    scopes: Sequence[str],
    now: int,
    expires: int = NEVER,
) -> Key:
    """A new key; `digest` is the SHA-256 of the whole secret, in hex."""
    row = {"name": name, "prefix": prefix, "hash": digest, "scopes": " ".join(scopes), "created": now}
    connection.execute(sa.insert(api_keys).values(**row, expires=expires))
    return _one(connection, api_keys.c.hash == digest)


def find(connection: Connection, digest: str, now: int) -> Key | None:
    """The key with that digest, None when there is none, or it is revoked or expired."""
    valid = (api_keys.c.hash == digest) & (api_keys.c.revoked == 0) & (api_keys.c.expires > now)
    found = connection.execute(sa.select(*_SHOWN).where(valid)).one_or_none()
    return _key(found) if found else None


def every(connection: Connection) -> list[Key]:
    """All keys, revoked ones too, the oldest first."""
    return [_key(row) for row in connection.execute(sa.select(*_SHOWN).order_by(api_keys.c.id))]


def revoke(connection: Connection, key: int, now: int) -> Key:
    """End a key; raises NotFound."""
    connection.execute(
        sa.update(api_keys).where(api_keys.c.id == key, api_keys.c.revoked == 0).values(revoked=now)
    )
    return _one(connection, api_keys.c.id == key)


def used(connection: Connection, keys: Sequence[int], now: int) -> None:
    """Note that keys were used; worth a write every minute or so, not with every request."""
    connection.execute(sa.update(api_keys).where(api_keys.c.id.in_(keys)).values(last_used=now))


_SHOWN = tuple(api_keys.c[name] for name in Key.__struct_fields__)


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> Key:
    found = connection.execute(sa.select(*_SHOWN).where(condition)).one_or_none()
    if found is None:
        raise NotFound("there is no such key")
    return _key(found)


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    values = row._asdict()
    return Key(**(values | {"scopes": tuple(values["scopes"].split())}))
