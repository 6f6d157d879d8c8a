"""A shop that sends mail: what it publishes, what its customers do, and when nothing is left to be done."""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.api.authority import SERVER, mint
from sojourn.app import App
from sojourn.store.definitions import journeys, settings, templates
from sojourn.store.effects import State
from sojourn.store.tables import NEVER, effects, events, partitions, runs

CONNECTIONS = 8
"""To the mail server, of each process that sends."""

OPEN = (State.PLANNED, State.CLAIMED, State.SENDING, State.DEFERRED)

TEMPLATE = """
name: {name}
channel: email
subject: "{name}, {{{{ customer.name }}}}"
body: "<p>Dear {{{{ customer.name }}}}, <a href='https://shop.example/start'>start</a></p>"
from: "Shop <shop@example.com>"
"""


def opened(app: App, smtp: int, journey: str) -> str:
    """Publishes a journey that may send `hello`, `offer` and `receipt`; answers a key to send events with."""

    def define(connection: Connection) -> str:
        relay = {"host": "127.0.0.1", "port": smtp, "security": "none", "connections": CONNECTIONS}
        email = {"provider": "email_smtp", "settings": relay, "sender": "shop@example.com"}
        settings.put(connection, "channels", {"email": email})
        settings.put(connection, "policy", {"consent": {"marketing": "opt_out", "transactional": "none"}})
        for name in ("hello", "offer", "receipt"):
            templates.save(connection, name, TEMPLATE.format(name=name), 1)
        journeys.create(connection, "shop", journey, 1)
        journeys.publish(connection, "shop", journey, 1)
        return mint(connection, "shop", [SERVER], 1)[0]

    return app.database.write(define)


def signed_up(n: int) -> list[dict[str, object]]:
    """The calls by which a customer becomes known and signs up."""
    traits = {"email": f"p{n}@example.org", "name": f"P{n}"}
    return [
        {"type": "identify", "userId": f"p{n}", "messageId": f"identify {n}", "traits": traits},
        {"type": "track", "userId": f"p{n}", "messageId": f"sign {n}", "event": "Signed Up"},
    ]


def ordered(n: int) -> dict[str, object]:
    """The call by which they order something."""
    return {"type": "track", "userId": f"p{n}", "messageId": f"order {n}", "event": "Order Completed"}


def wait_for_quiet(app: App, seconds: float) -> None:
    """Wait until every event is read, nobody is inside a journey and nothing waits to be sent."""
    end = time.monotonic() + seconds
    while left := _left(app):
        assert time.monotonic() < end, f"still to be done: {left}"
        time.sleep(0.5)


def _left(app: App) -> dict[str, int]:
    read = sa.tuple_(partitions.c.read_xid, partitions.c.read_position)
    unread = (partitions.c.id == events.c.partition) & (sa.tuple_(events.c.xid, events.c.position) > read)
    everything = {
        "events unread": sa.select(sa.func.count()).select_from(events).join(partitions, unread),
        "runs inside": sa.select(sa.func.count()).where(runs.c.left == NEVER),
        "messages": sa.select(sa.func.count()).where(effects.c.state.in_([int(one) for one in OPEN])),
    }
    with app.database.reading() as connection:
        found = {what: connection.scalar(question) or 0 for what, question in everything.items()}
    return {what: n for what, n in found.items() if n}
