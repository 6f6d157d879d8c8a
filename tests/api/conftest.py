"""An installation with its web application, as people's programs and customers meet it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_place import URL, Place
from litestar.testing import TestClient

from sojourn.api.app import create
from sojourn.api.authority import MAIL, PUBLIC, SERVER, mint
from sojourn.api.parts import Parts, Settings
from sojourn.app import open_app, settings


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A fresh installation; clicks are told at once."""
    with open_app(settings(tmp_path, environment={})) as app:
        about = Settings(secret=b"for tests", public_url=URL, settle=0.0)
        parts = Parts(app.database, app.names, app.history, app.publicly(URL), about)
        scopes = {"server": SERVER, "public": PUBLIC, "mail": MAIL, "admin": "admin", "reader": "read"}
        keys = {
            name: app.database.write(lambda c, s=some: mint(c, "test", (s,), app.database.now()))[0]
            for name, some in scopes.items()
        }
        with TestClient(create(parts), base_url=URL, raise_server_exceptions=False) as web:
            yield Place(app, parts, web, keys)
