"""P18: what reaches us after its branch has closed is kept and counted, and moves nobody back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from merge_shop import HOUR, Shop
from sqlalchemy import Connection

from sojourn.api.app import create
from sojourn.api.authority import mint
from sojourn.api.parts import Parts
from sojourn.api.parts import Settings as About
from sojourn.app import Settings, open_app
from sojourn.runtime.belated import LATE
from sojourn.store import counts, log
from sojourn.store.definitions import journeys

URL = "http://sojourn.test"
ADA, BOB = ("user_id", "ada"), ("user_id", "bob")

ORDERS = """
journey: orders
enter: [{event: Signed Up}]
steps:
  asked: {wait_for: [{event: Ordered, then: thanks}], at_most: 2 hours, otherwise: pause}
  pause: {wait_for: [{event: Visited, then: thanks}], at_most: 2 hours, otherwise: bye}
  bye: {leave: nothing}
  thanks: {leave: bought}
"""


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    clock = [1_772_000_000_000_000]
    with open_app(Settings(tmp_path, database_url, b"k" * 32), clock=lambda: clock[0]) as app:
        app.database.write(define)
        yield Shop(app, clock)


def define(connection: Connection) -> None:
    journeys.create(connection, "orders", ORDERS, 1)
    journeys.publish(connection, "orders", ORDERS, 1)


def late(shop: Shop) -> dict[str, int]:
    """How many events came late for the journey, by name."""
    with shop.app.database.reading() as connection:
        found = counts.of_version(connection, 1)
        assert counts.total(connection, LATE) == sum(n for key, n in found.items() if key[2] == LATE)
    return {name: n for (_, step, what, name), n in found.items() if (step, what) == (-1, LATE)}


def reasons(shop: Shop, who: tuple[str, str]) -> list[str]:
    return [reason for _, _, reason in shop.runs(shop.customer(*who))]


def test_what_is_heard_in_time_or_happened_afterwards_is_not_late(shop: Shop) -> None:
    shop.happens("Signed Up", ADA)
    shop.later(HOUR)
    shop.happens("Ordered", ADA, ago=HOUR // 2)
    assert reasons(shop, ADA) == ["bought"]
    shop.later(HOUR)
    shop.happens("Ordered", ADA, ago=HOUR // 2)
    shop.happens("Signed Up", BOB)
    shop.later(5 * HOUR)
    shop.happens("Ordered", BOB, ago=HOUR // 2)
    shop.happens("Ordered", BOB)
    assert reasons(shop, BOB) == ["nothing"]
    assert late(shop) == {}


def test_what_reaches_us_after_its_step_was_left_is_late(shop: Shop) -> None:
    shop.happens("Signed Up", ADA)
    shop.later(3 * HOUR)
    shop.happens("Ordered", ADA, ago=2 * HOUR)  # it waits for a visit now
    shop.happens("Browsed", ADA, ago=2 * HOUR)  # nobody ever waits for that
    assert (reasons(shop, ADA), late(shop)) == ([""], {"Ordered": 1})
    shop.happens("Visited", ADA, ago=2 * HOUR)  # it counts from when it is received
    assert (reasons(shop, ADA), late(shop)) == (["bought"], {"Ordered": 1})


def test_what_reaches_us_after_the_journey_was_left_is_late_and_shown(shop: Shop) -> None:
    for who in (ADA, BOB):
        shop.happens("Signed Up", who)
    shop.later(5 * HOUR)
    for who in (ADA, BOB):
        shop.happens("Ordered", who, ago=4 * HOUR)
        shop.happens("Ordered", who, ago=6 * HOUR)  # before they signed up
        assert reasons(shop, who) == ["nothing"]
    assert late(shop) == {"Ordered": 2}
    with shop.app.database.reading() as connection:
        rows = log.read(connection, log.Offset(), 1_000)
    names = shop.app.names.names(rows.names)
    assert [names[code] for code in rows.names.tolist()].count("Ordered") == 4
    assert "sojourn_events_late 2" in metrics(shop)


def metrics(shop: Shop) -> str:
    app = shop.app
    parts = Parts(app.database, app.names, app.history, app.publicly(URL), About(b"for tests", URL))
    key = app.database.write(lambda c: mint(c, "test", ("read",), shop.clock[0]))[0]
    with TestClient(create(parts), base_url=URL) as web:
        return str(web.get("/metrics", headers={"Authorization": f"Bearer {key}"}).text)
