"""`sojourn work`: one more worker on a PostgreSQL database, until told to stop."""

from __future__ import annotations

import signal
import threading

from sojourn.cli import answer, logs
from sojourn.cli.command import Command, Data, Database, Url
from sojourn.cli.installation import opened
from sojourn.errors import Misconfigured


def work(url: Url = None, data: Data = None, database: Database = None) -> None:
    """Run journeys and send messages beside a `serve`, on PostgreSQL."""
    logs.begin()
    with opened(data, database) as app:
        if app.database.dialect == "sqlite":
            raise Misconfigured(
                "SQLite has one writer, and that is `sojourn serve`, which is a worker too: a second process"
                " would starve it. For several workers move to PostgreSQL (SOJOURN_DATABASE_URL)"
            )
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with app.working(url or app.settings.url or "http://localhost:8000"):
            answer.say("working; Ctrl-C ends it")
            stop.wait()


command = Command("work", work)
