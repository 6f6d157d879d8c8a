"""Who works on a data folder directly: whoever can read its secret may do everything."""

from __future__ import annotations

from sojourn.api.authority import Authority
from sojourn.store.definitions.keys import Key
from sojourn.store.tables import NEVER


class Owner(Authority):
    """Says of every caller that it is the owner."""

    async def key(self, *given: str) -> Key:
        return Key(0, "owner", "", ("admin",), 0, NEVER, 0, 0)
