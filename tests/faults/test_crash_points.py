"""Crash points: killed at each of them, then started again, everything is told once and in full (P10, P23).

A process with `CRASH_AT` kills itself when it first comes to the point; the next one finishes.
"""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL

import shop
import sqlalchemy as sa
from crowd import Crowd
from postbox import Postbox, free_port, serving
from processes import Process

from sojourn.app import App, open_app, settings
from sojourn.store.access.crash import POINTS
from sojourn.store.effects import State
from sojourn.store.tables import effects

CUSTOMERS = 24

JOURNEY = """
journey: shop
enter: [{event: Signed Up}]
steps:
  hello: {send: {template: hello, purpose: marketing}}
  pause: {wait: 1 second}
  receipt: {send: {template: receipt, purpose: transactional}}
"""

BRIEFLY = "from sojourn.runtime.dispatch import ledger; ledger.LEASE = 2_000_000"
"""What a dead sender held is free soon, so that the test need not wait."""

SENDING = ("after an intent", "after a delivery", "after settling")
"""The points at which mails are under way: afterwards nobody can tell whether they were taken."""


def test_a_crash_at_any_point_neither_loses_nor_doubles(database_url: str, tmp_path: Path) -> None:
    port, postbox, log = free_port(), Postbox(), tmp_path / "serve.log"
    program = ("serve", "--port", str(port), "--data", str(tmp_path), "--database", database_url)
    with open_app(settings(tmp_path, database_url, environment={})) as app, serving(postbox) as smtp:
        crowd = Crowd(port, shop.opened(app, smtp, JOURNEY), clients=2)
        for turn, point in enumerate(POINTS):
            crashing = Process(*program, log=log, before=BRIEFLY, CRASH_AT=point)
            for n in range(CUSTOMERS):
                crowd.send(shop.signed_up(CUSTOMERS * turn + n))
            assert crashing.wait() == -SIGKILL, f"it never came {point}: {log.read_text()[-2000:]}"
            assert app.audit().violations == (), f"after a crash {point}"
        last = Process(*program, log=log, before=BRIEFLY)
        crowd.finish(60)
        shop.wait_for_quiet(app, 60)
        last.stop()
        check(app, postbox)


def check(app: App, postbox: Postbox) -> None:
    """Holds the ledger against the mail server."""
    with app.database.reading() as connection:
        rows = connection.execute(sa.select(effects.c.key, effects.c.purpose, effects.c.state)).all()
    ledger = [(purpose, State(state), postbox.taken[f"{key:016x}"]) for key, purpose, state in rows]
    assert len(ledger) == 2 * CUSTOMERS * len(POINTS)
    for purpose, state, mails in ledger:
        if purpose == "transactional":
            assert (state, mails) in ((State.ACCEPTED, 1), (State.ACCEPTED, 2))
        else:
            assert (state, mails) in ((State.ACCEPTED, 1), (State.UNKNOWN, 0), (State.UNKNOWN, 1))
    unknown = [mails for _, state, mails in ledger if state is State.UNKNOWN]
    doubled = [mails for _, _, mails in ledger if mails > 1]
    assert 0 < len(unknown) + len(doubled) <= shop.CONNECTIONS * len(SENDING)
    assert app.audit().violations == ()
