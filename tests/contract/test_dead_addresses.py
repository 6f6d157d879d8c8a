"""An address that is dead gets nothing more: each kind of message knows its own addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from merge_shop import HOUR, Shop
from sqlalchemy import Connection

from sojourn.app import App, Settings, open_app
from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt
from sojourn.channel.contract import Settings as Filled
from sojourn.errors import NotDelivered
from sojourn.runtime.dispatch.dispatcher import Dispatcher, Dispatching
from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.runtime.dispatch.people import People
from sojourn.runtime.dispatch.ways import Chosen, Way
from sojourn.runtime.records import tapes_of_log
from sojourn.store import effects
from sojourn.store.definitions import journeys, templates
from sojourn.store.effects import State
from sojourn.store.reach import consents

WELCOME = """
journey: welcome
enter: [{event: Signed Up, again: after leaving}]
steps:
  text: {send: {template: text, purpose: transactional}}
  mail: {send: {template: mail, purpose: transactional}}
"""
PHONE = "+493012345678"


@dataclass
class Far:
    """A far side that refuses dead addresses for good, and remembers whom it was asked to reach."""

    dead: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    slots: int = 4

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        self.asked.append(outgoing.recipient)
        if outgoing.recipient in self.dead:
            raise NotDelivered("no such number", code="5.1.1")
        return Receipt("taken", "")

    async def close(self) -> None: ...


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    clock = [1_772_000_000_000_000]
    with open_app(Settings(tmp_path, database_url, b"k" * 32), clock=lambda: clock[0]) as app:
        app.database.write(define)
        yield Shop(app, clock)


def define(connection: Connection) -> None:
    templates.save(connection, "text", "{name: text, channel: sms, text: Hello}", 1)
    templates.save(
        connection, "mail", "{name: mail, channel: email, subject: Hi, body: Hi, from: us@shop.example}", 1
    )
    journeys.create(connection, "welcome", WELCOME, 1)
    journeys.publish(connection, "welcome", WELCOME, 1)


def dispatch(app: App, **far: Far) -> None:
    ways = {
        kind: Way(Channel(kind, kind, kind, Delivery.BLIND, Filled, lambda given: Far()), one, Chosen(kind))
        for kind, one in far.items()
    }
    people = People(app.database, tapes_of_log(app.names))
    parts = Dispatching(app.database, people, app.names, app.catalogue, ways, app.publicly("http://us.test"))
    asyncio.run(Dispatcher(parts).round())


def signs_up(shop: Shop, who: str) -> None:
    shop.happens("Signed Up", ("user_id", who), traits={"phone": PHONE, "email": f"{who}@example.org"})


def states(shop: Shop) -> dict[State, int]:
    with shop.app.database.reading() as connection:
        return effects.counts(connection)


def suppressed(shop: Shop, kind: str, address: str) -> bool:
    hashed = address_hash(shop.app.publicly("").seal, kind, address)
    with shop.app.database.reading() as connection:
        return hashed in consents.suppressed(connection, kind, [hashed])


def test_a_dead_number_gets_no_more_texts_whoever_gives_it_but_mails_go_on(shop: Shop) -> None:
    texts, mails = Far(dead={PHONE}), Far()
    for who in ("ada", "bob"):
        signs_up(shop, who)
        dispatch(shop.app, sms=texts, email=mails)
        shop.later(HOUR)
    assert (texts.asked, mails.asked) == ([PHONE], ["ada@example.org", "bob@example.org"])
    assert suppressed(shop, "sms", PHONE) and not suppressed(shop, "email", PHONE)
    assert states(shop) == {State.BOUNCED: 1, State.SUPPRESSED: 1, State.ACCEPTED: 2}
    assert shop.app.audit().violations == ()


def test_the_auditor_knows_dead_numbers_as_well(shop: Shop) -> None:
    signs_up(shop, "ada")
    dispatch(shop.app, sms=Far(), email=Far())
    shop.later(0)
    hashed = address_hash(shop.app.publicly("").seal, "sms", PHONE)
    long_ago = shop.clock[0] - HOUR
    shop.app.database.write(lambda c: consents.suppress(c, "sms", [hashed], "bounced", long_ago))
    assert [one.invariant for one in shop.app.audit().violations] == ["I5"]
