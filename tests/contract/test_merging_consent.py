"""Whose consent counts when customers become one: the stricter, until they say otherwise as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from merge_shop import HOUR, Shop
from sqlalchemy import Connection

from sojourn.api.parts import Parts
from sojourn.api.parts import Settings as About
from sojourn.api.visitors import consent
from sojourn.app import Settings, open_app
from sojourn.message.consent import Consent
from sojourn.store import log
from sojourn.store.definitions import journeys, settings, templates
from sojourn.store.reach import consents
from sojourn.tape.hashing import hash_text

URL = "http://sojourn.test"
USER, GUEST = ("user_id", "ada"), ("anonymous_id", "a1")

WELCOME = """
journey: welcome
enter: [{event: Signed Up, again: after leaving}]
steps:
  hello: {send: {template: hello, purpose: news}}
"""


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    clock = [1_772_000_000_000_000]
    with open_app(Settings(tmp_path, database_url, b"k" * 32), clock=lambda: clock[0]) as app:
        app.database.write(define)
        yield Shop(app, clock)


def define(connection: Connection) -> None:
    settings.put(connection, "policy", {"consent": {"news": "opt_in"}})
    templates.save(connection, "hello", "{name: hello, channel: email, subject: Hi, body: Hi, text: Hi}", 1)
    journeys.create(connection, "welcome", WELCOME, 1)
    journeys.publish(connection, "welcome", WELCOME, 1)


def says(shop: Shop, who: tuple[str, str], state: str, purpose: str = "news") -> None:
    """Have a customer agree or withdraw, as the pages for it do."""
    shop.happens("Visited", who)
    customer, now = shop.customer(*who), shop.clock[0]
    app = shop.app
    parts = Parts(app.database, app.names, app.history, app.publicly(URL), About(b"for tests", URL))
    said = Consent("given" if state == "given" else "withdrawn", now, purpose=purpose, source="preferences")
    key = hash_text(f"{who} {state} {now}")
    app.database.write(lambda c: consent.state(c, parts, customer, said, key))
    shop.later(0)


def signs_up(shop: Shop) -> list[str]:
    """What the customer who signs up now is sent."""
    before = len(shop.planned(shop.customer(*USER)))
    shop.happens("Signed Up", USER)
    shop.later(HOUR)
    return shop.planned(shop.customer(*USER))[before:]


def ledger(shop: Shop, who: tuple[str, str]) -> list[tuple[str, str, str]]:
    """State, purpose and source of what a customer said."""
    with shop.app.database.reading() as connection:
        said = consents.of_customers(connection, [shop.customer(*who)])
    return list(zip(said.states, said.purposes, said.sources, strict=True))


def withdrawn_on_tape(shop: Shop) -> int:
    with shop.app.database.reading() as connection:
        rows = log.read(connection, log.Offset(), 10_000)
    names = shop.app.names.names(rows.names)
    return [names[code] for code in rows.names.tolist()].count("Consent Withdrawn")


@pytest.mark.parametrize(("no", "yes"), [(GUEST, USER), (USER, GUEST)], ids=["the guest's no", "the user's"])
def test_a_no_of_either_outlives_a_later_yes_of_the_other(
    shop: Shop, no: tuple[str, str], yes: tuple[str, str]
) -> None:
    says(shop, no, "withdrawn")
    says(shop, yes, "given")
    shop.happens("Identified", USER, GUEST)
    assert shop.customer(*USER) == shop.customer(*GUEST)
    assert ("withdrawn", "news", "merge") in ledger(shop, USER)
    assert withdrawn_on_tape(shop) == 2
    assert signs_up(shop) == []


def test_what_they_say_as_one_counts_again(shop: Shop) -> None:
    says(shop, GUEST, "withdrawn")
    says(shop, USER, "given")
    shop.happens("Identified", USER, GUEST)
    says(shop, USER, "given")
    assert signs_up(shop) == ["hello"]


def test_a_merge_withdraws_nothing_that_nobody_has_withdrawn(shop: Shop) -> None:
    says(shop, GUEST, "given")
    says(shop, USER, "given", "tips")
    says(shop, USER, "withdrawn", "tips")
    shop.happens("Identified", USER, GUEST)
    assert "merge" not in [source for _, _, source in ledger(shop, USER)]
    assert signs_up(shop) == ["hello"]
