"""P34: on a full disk nothing new is taken in or begun, what was begun is told, and all goes on by itself."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from endpoint import Endpoint, calls
from litestar import Litestar
from litestar.testing import TestClient

from sojourn.api.app import create
from sojourn.api.authority import SERVER, mint
from sojourn.api.parts import Parts
from sojourn.api.parts import Settings as About
from sojourn.app import App, Settings, open_app
from sojourn.store import effects, log
from sojourn.store.effects import State
from sojourn.store.log import Offset
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.warm import warm

URL = "http://sojourn.test"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system of a limited size")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)], check=False)
    if made.returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


class Shop:
    """Sends events of customers, and keeps what was said to be stored."""

    def __init__(self, app: App, web: TestClient[Litestar]) -> None:
        key = app.database.write(lambda c: mint(c, "test", (SERVER,), app.database.now()))[0]
        self._web, self._headers = web, {"Authorization": f"Bearer {key}"}
        self.stored: set[int] = set()

    def tells(self, who: str, event: str, **properties: str) -> Any:
        """The answer to one event; its id follows from who and what."""
        message = f"{event} {who}"
        call = {"userId": who, "event": event, "messageId": message, "properties": properties}
        answer = self._web.post("/v1/track", json=call, headers=self._headers)
        if answer.status_code == 200:
            self.stored.add(hash_text(message))
        return answer


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 40
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_full_disk_stops_what_is_new_and_nothing_else(disk: Path) -> None:
    warm()
    endpoint, ballast, reserve = Endpoint(204), disk / "ballast", disk / "reserve"
    with ExitStack() as stack:
        app = stack.enter_context(open_app(Settings(disk, f"sqlite:///{disk}/sojourn.db", b"k" * 32)))
        parts = Parts(app.database, app.names, app.history, app.publicly(URL), About(b"for tests", URL))
        web = stack.enter_context(TestClient(create(parts), base_url=URL))
        shop = Shop(app, web)
        calls(app, endpoint)
        stack.enter_context(app.working(URL))
        stack.callback(endpoint.close)
        endpoint.free.clear()
        shop.tells("ada", "Signed Up")
        eventually(lambda: len(endpoint.asked) == 1)
        fill(ballast)
        answers = (shop.tells(f"u{n}", "Visited", page="x" * 8_000) for n in range(10_000))
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert refused.status_code == 503
        assert 0 < int(refused.headers["retry-after"]) <= 300
        eventually(lambda: app.database.full)
        assert not reserve.exists()
        assert shop.tells("bob", "Signed Up").status_code == 503
        assert web.get("/healthz").status_code == 200

        endpoint.free.set()
        eventually(lambda: states(app) == {State.ACCEPTED: 1})
        assert app.database.full
        assert shop.stored <= keys(app)

        ballast.unlink()
        eventually(lambda: shop.tells("bob", "Signed Up").status_code == 200)
        eventually(lambda: states(app) == {State.ACCEPTED: 2})
        assert len(set(endpoint.asked)) == len(endpoint.asked) == 2
        assert reserve.exists()
        assert shop.stored <= keys(app)
    with sqlite3.connect(disk / "sojourn.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def fill(ballast: Path) -> None:
    """Have a file take the room of its disk, but for a megabyte."""
    with ballast.open("wb") as file:
        free = os.statvfs(ballast.parent)
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - 2**20)


def states(app: App) -> dict[State, int]:
    with app.database.reading() as connection:
        return effects.counts(connection)


def keys(app: App) -> set[int]:
    with app.database.reading() as connection:
        return set(log.read(connection, Offset(), 1_000_000).keys.tolist())
