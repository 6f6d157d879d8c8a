"""Ten thousand customers while server and worker are killed again and again: nothing lost, nothing doubled.

Events come over HTTP, mails go to a real SMTP server, links are followed; every process gets
`kill -9` one to two seconds after it is ready (promises P1, P3, P10, P23, P24; invariants I1 to I7, I11).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
import shop
import sqlalchemy as sa
from crowd import Crowd
from postbox import Postbox, free_port, serving, tracked_links
from processes import Nemesis, Process

from sojourn.app import App, open_app, settings
from sojourn.store.effects import State
from sojourn.store.tables import effects, events
from sojourn.tape.hashing import hash_text

CUSTOMERS = int(os.environ.get("KILL_CUSTOMERS", "10000"))
BATCH = 100  # customers of one request, with two calls each
LATER = 10  # requests that lie between signing up and ordering
KILLS = 8  # of each process, at least

JOURNEY = """
journey: shop
enter: [{event: Signed Up}]
steps:
  hello: {send: {template: hello, purpose: marketing}}
  pause: {wait: 2 seconds}
  choice:
    branch:
      - {if: {clicked: hello}, then: offer}
      - {if: {performed: Order Completed}, then: receipt}
    otherwise: listen
  listen:
    wait_for:
      - {event: Order Completed, then: receipt}
      - {clicked: hello, then: offer}
    at_most: 30 seconds
    otherwise: bye
  offer: {send: {template: offer, purpose: marketing}, then: bye}
  receipt: {send: {template: receipt, purpose: transactional}, then: bye}
  bye: {leave: done}
"""


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("kill")
def test_nothing_is_lost_and_nothing_doubled(
    database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    embedded, port, postbox = database_url.startswith("sqlite"), free_port(), Postbox()
    shared = ("--data", str(tmp_path), "--database", database_url, "--url", f"http://127.0.0.1:{port}")
    programs = [("serve", "--port", str(port), *shared), *([] if embedded else [("work", *shared)])]
    with open_app(settings(tmp_path, database_url, environment={})) as app, serving(postbox) as smtp:
        key = shop.opened(app, smtp, JOURNEY)
        senders, readers = Crowd(port, key, clients=4, pause=0.1), Crowd(port, key, clients=2)
        postbox.on_mail = lambda effect, mail: clicked(readers, effect, mail)
        enemies = [Nemesis(*one, log=tmp_path / f"{one[0]}.log", seed=n) for n, one in enumerate(programs)]
        for enemy in enemies:
            enemy.start()
        sent = [call for batch in batches() for call in senders.send(batch)]
        while len(senders.acknowledged) < len(sent) or min(enemy.kills for enemy in enemies) < KILLS:
            for enemy in enemies:
                enemy.check()
            time.sleep(0.2)
        kills, killing = sum(enemy.stop() for enemy in enemies), time.monotonic() - began
        processes = [Process(*one, log=tmp_path / f"{one[0]}.log") for one in programs]
        assert all(process.ready() for process in processes)
        senders.finish(60)
        shop.wait_for_quiet(app, 300)
        readers.finish(60)
        shop.wait_for_quiet(app, 60)
        for process in processes:
            process.stop()
        figures = reconciled(app, postbox.taken, senders.acknowledged, kills)
    assert sorted(senders.acknowledged) == sorted(sent)
    figures |= {"kills": kills, "tries": senders.tries, "killing, s": round(killing)}
    figures |= {"in all, s": round(time.monotonic() - began)}
    record_property(f"kill test, {'SQLite' if embedded else 'PostgreSQL'}", figures)


def batches() -> Iterator[list[dict[str, object]]]:
    """Everybody signs up; every fourth orders, some batches later."""
    firsts = range(0, CUSTOMERS, BATCH)
    signing = [[call for n in range(first, first + BATCH) for call in shop.signed_up(n)] for first in firsts]
    ordering = [[shop.ordered(n) for n in range(first, first + BATCH, 4)] for first in firsts]
    yield from signing[:LATER]
    for signed, orders in zip_longest(signing[LATER:], ordering):
        yield from filter(None, (signed, orders))


def clicked(readers: Crowd, effect: str, mail: bytes) -> None:
    """Every fifth reader follows the link."""
    if int(effect, 16) % 5 == 0:
        readers.follow(tracked_links(mail)[0])


def reconciled(app: App, taken: Counter[str], acknowledged: list[str], kills: int) -> dict[str, int]:
    """Hold the store against what was acknowledged, the ledger against the mail server; the figures."""
    with app.database.reading() as connection:
        stored = set(connection.scalars(sa.select(events.c.key)))
        ledger = connection.execute(sa.select(effects.c.key, effects.c.purpose, effects.c.state)).all()
    assert {hash_text(one) for one in acknowledged} <= stored  # each once: the key is unique
    assert {f"{key:016x}" for key, *_ in ledger} >= taken.keys()
    known = [(purpose, State(state), taken[f"{key:016x}"]) for key, purpose, state in ledger]
    marketing = [(state, mails) for purpose, state, mails in known if purpose == "marketing"]
    needed = [(state, mails) for purpose, state, mails in known if purpose == "transactional"]
    unknown = [mails for state, mails in marketing if state is State.UNKNOWN]
    doubled = sum(mails - 1 for _, mails in needed if mails > 1)
    assert {state for state, _ in marketing} <= {State.ACCEPTED, State.UNKNOWN}
    assert {state for state, _ in needed} == {State.ACCEPTED}
    assert all(mails == 1 for state, mails in marketing if state is State.ACCEPTED)  # not lost, not twice
    assert all(mails <= 1 for mails in unknown)
    assert all(mails >= 1 for _, mails in needed)
    assert max(len(unknown), doubled) <= shop.CONNECTIONS * kills
    audit = app.audit()
    assert audit.violations == ()
    assert audit.figures["runs left"] == CUSTOMERS
    return {
        "mails": sum(taken.values()),
        "marketing twice": 0,
        "marketing unknown": len(unknown),
        "of these sent": sum(unknown),
        "transactional lost": 0,
        "transactional twice": doubled,
    }
