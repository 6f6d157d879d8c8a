"""Customers' programs: they send events until they are told 200, and follow links as people do."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections.abc import Sequence

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

_AGAIN = 0.05  # seconds before asking again


class Crowd:
    """Some clients at once, each with a connection that it opens anew when it breaks.

    Each waits for `pause` seconds after an answer.
    """

    def __init__(self, port: int, key: str, clients: int, pause: float = 0.0) -> None:
        self.acknowledged: list[str] = []  # message ids
        self.tries = 0
        self._port, self._key, self._pause = port, key, pause
        self._waiting: queue.SimpleQueue[tuple[str, str, bytes, list[str]] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def send(self, calls: Sequence[dict[str, object]]) -> list[str]:
        """Send a batch of calls in the background; their message ids."""
        body = json.dumps({"batch": calls, "writeKey": self._key}).encode()
        ids = [str(call["messageId"]) for call in calls]
        self._waiting.put(("POST", "/v1/batch", body, ids))
        return ids

    def follow(self, link: str) -> None:
        """Follow a link in the background."""
        self._waiting.put(("GET", link[link.index("/c/") :], b"", []))

    def finish(self, seconds: float) -> None:
        """Wait until everything has been answered."""
        for _ in self._threads:
            self._waiting.put(None)
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(end - time.monotonic())
            assert not thread.is_alive(), "somebody still waits for an answer"

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=35)
        while asked := self._waiting.get():
            method, path, body, ids = asked
            while not self._ask(connection, method, path, body):
                time.sleep(_AGAIN)
            self.acknowledged += ids
            time.sleep(self._pause)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> bool:
        """Whether the answer was one that ends the matter; a broken connection is none."""
        self.tries += 1
        try:
            connection.request(method, path, body, {"User-Agent": BROWSER})
            with connection.getresponse() as response:
                response.read()
                return response.status in (200, 302)
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
