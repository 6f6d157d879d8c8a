"""One installation as tests of the API hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Litestar
from litestar.testing import TestClient

from sojourn.api.parts import Parts
from sojourn.app import App
from sojourn.store import log
from sojourn.store.log import Logged, Offset

URL = "http://sojourn.test"


@dataclass(frozen=True)
class Place:
    """One installation: its app, its web client, and keys by what they may do."""

    app: App
    parts: Parts
    web: TestClient[Litestar]
    keys: dict[str, str]

    def ask(self, method: str, path: str, key: str = "admin", **options: Any) -> Any:
        """The answer to a request with a key."""
        headers = {"Authorization": f"Bearer {self.keys[key]}", **options.pop("headers", {})}
        return self.web.request(method, path, headers=headers, **options)

    def logged(self) -> Logged:
        """All events of the log."""
        with self.app.database.reading() as connection:
            return log.read(connection, Offset(), 100_000)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Names and properties of all events of the log."""
        rows = self.logged()
        names = self.app.names.names(rows.names)
        pairs = zip(rows.names.tolist(), rows.properties, strict=True)
        return [(names[code], msgspec.json.decode(text) if text else {}) for code, text in pairs]
