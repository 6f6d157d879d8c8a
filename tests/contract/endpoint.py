"""An endpoint of webhooks on loopback, and a journey that tells it of everybody who signs up."""

from __future__ import annotations

import base64
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from sqlalchemy import Connection

from sojourn.app import App
from sojourn.store.definitions import journeys, settings, templates

CALL = """
name: call
channel: webhook
purpose: transactional
payload: {who: '{{ customer.name }}'}
"""

CALLING = """
journey: calling
enter: [{event: Signed Up}]
steps:
  tell: {send: {template: call}}
"""


class Endpoint:
    """An endpoint of webhooks on loopback; `answer` is its status, and it waits to be `free`."""

    def __init__(self, answer: int) -> None:
        self.asked: list[str] = []
        self.answer, self.free = answer, Event()
        self.free.set()
        endpoint = self

        class Asked(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.asked.append(self.headers["webhook-id"])
                endpoint.free.wait(30)
                self.send_response(endpoint.answer)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def chosen(self) -> dict[str, object]:
        """The setting of a channel that goes there."""
        secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
        address = f"http://127.0.0.1:{self._server.server_port}/"
        allowed = {"loopback": True}
        given = {"url": address, "secrets": [secret], "connections": 1, "allowed": allowed}
        return {"provider": "webhook", "settings": given}

    def close(self) -> None:
        """Answer what is open, and end."""
        self.free.set()
        self._server.shutdown()
        self._server.server_close()


def calls(app: App, endpoint: Endpoint) -> None:
    """Have everybody who signs up told to an endpoint."""

    def define(connection: Connection) -> None:
        chosen = settings.get(connection, "channels", {})
        settings.put(connection, "channels", {**chosen, "webhook": endpoint.chosen()})
        templates.save(connection, "call", CALL, 1)
        journeys.create(connection, "calling", CALLING, 1)
        journeys.publish(connection, "calling", CALLING, 1)

    app.database.write(define)
