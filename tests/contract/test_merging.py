"""Merges of customers whose runs are under way, and their undoing, on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from merge_shop import HOUR, Shop
from sqlalchemy import Connection

from sojourn.app import Settings, open_app
from sojourn.store import log
from sojourn.store.definitions import journeys, segments
from sojourn.store.partitions import PARTITIONS

WELCOME = """
journey: welcome
enter: [{event: Signed Up, again: after leaving}]
steps:
  pause: {wait: 1 day}
  choice: {branch: [{if: {performed: Visited, at_least: 2}, then: often}], otherwise: seldom}
  often: {send: {template: often, purpose: transactional}, then: bye}
  seldom: {send: {template: seldom, purpose: transactional}}
  bye: {leave: done}
"""
CART = """
journey: cart
enter: [{event: Added, again: per cart after leaving}]
steps:
  pause: {wait: 2 days}
"""


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    clock = [1_772_000_000_000_000]
    with open_app(Settings(tmp_path, database_url, b"k" * 32), clock=lambda: clock[0]) as app:
        app.database.write(define)
        yield Shop(app, clock)


def define(connection: Connection) -> None:
    for name, text in (("welcome", WELCOME), ("cart", CART)):
        journeys.create(connection, name, text, 1)
        journeys.publish(connection, name, text, 1)
    rule = msgspec.json.encode({"performed": "Visited", "at_least": 2}).decode()
    segments.save(connection, "often", rule, 1)


USER, GUEST = ("user_id", "ada"), ("anonymous_id", "a1")


def in_order(shop: Shop) -> bool:
    """Whether the auditor finds nothing but that nobody sends what was planned."""
    return [one for one in shop.app.audit().violations if one.place != "effects"] == []


def test_a_run_under_way_goes_on_as_the_kept_customers(shop: Shop) -> None:
    shop.happens("Noticed", USER)
    shop.happens("Signed Up", GUEST)
    shop.happens("Visited", GUEST)
    shop.happens("Visited", USER)
    ada, guest = shop.customer(*USER), shop.customer(*GUEST)
    assert ada % PARTITIONS != guest % PARTITIONS
    assert shop.runs(guest) == [("welcome", 0, "")]
    shop.happens("Identified", USER, GUEST)
    assert shop.customer(*GUEST) == ada
    assert (shop.runs(guest), shop.runs(ada)) == ([], [("welcome", 0, "")])
    shop.later(25 * HOUR)
    assert shop.runs(ada) == [("welcome", 4, "done")]
    assert shop.planned(ada) == ["often"]
    assert in_order(shop)


def test_of_two_runs_under_one_key_the_older_stays(shop: Shop) -> None:
    shop.happens("Signed Up", GUEST)
    shop.happens("Added", GUEST, cart="1")
    shop.happens("Added", GUEST, cart="2")
    shop.happens("Signed Up", USER)
    shop.happens("Added", USER, cart="2")
    shop.happens("Added", USER, cart="3")
    shop.happens("Identified", USER, GUEST)
    kept = shop.customer(*USER)
    assert shop.runs(kept) == [
        ("welcome", 0, ""),
        ("cart", 0, ""),
        ("cart", 0, ""),
        ("welcome", 0, "merged"),
        ("cart", 0, "merged"),
        ("cart", 0, ""),
    ]
    assert in_order(shop)
    shop.later(49 * HOUR)
    assert shop.planned(kept) == ["seldom"]
    assert in_order(shop)


def test_a_run_that_left_counts_for_entering_again(shop: Shop) -> None:
    shop.happens("Noticed", USER)
    shop.happens("Signed Up", GUEST)
    shop.happens("Identified", USER, GUEST)
    shop.happens("Signed Up", USER)
    assert shop.runs(shop.customer(*USER)) == [("welcome", 0, "")]
    shop.later(25 * HOUR)
    shop.happens("Signed Up", GUEST)
    assert [why for _, _, why in shop.runs(shop.customer(*USER))] == ["done", ""]
    assert in_order(shop)


def test_unread_events_of_the_merged_are_the_kept_customers(shop: Shop) -> None:
    shop.happens("Noticed", USER)
    shop.happens("Noticed", GUEST)
    shop.happens("Signed Up", GUEST, tick=False)
    shop.happens("Identified", USER, GUEST, tick=False)
    shop.happens("Signed Up", USER, tick=False)
    shop.later(0)
    shop.later(1)
    kept = shop.customer(*USER)
    assert shop.runs(kept) == [("welcome", 0, "")]
    assert in_order(shop)


def test_membership_is_joined_and_asked_anew(shop: Shop) -> None:
    shop.happens("Visited", USER)
    shop.happens("Visited", GUEST)
    assert shop.members("often") == []
    ada, guest = shop.customer(*USER), shop.customer(*GUEST)
    shop.happens("Identified", USER, GUEST)
    assert shop.members("often") == [ada]
    shop.part(np.array([guest]))
    assert shop.customer(*GUEST) == guest
    assert shop.members("often") == []


def test_a_merged_member_is_no_member_any_more_but_the_kept_one_is(shop: Shop) -> None:
    shop.happens("Noticed", USER)
    shop.happens("Visited", GUEST)
    shop.happens("Visited", GUEST)
    ada, guest = shop.customer(*USER), shop.customer(*GUEST)
    assert shop.members("often") == [guest]
    shop.happens("Identified", USER, GUEST)
    assert shop.members("often") == [ada]
    with shop.app.database.reading() as connection:
        names = shop.app.names.names(log.read(connection, log.Offset(), 100).names).values()
    assert "Segment Left" not in names


def test_an_undone_merge_gives_back_what_each_had(shop: Shop) -> None:
    shop.happens("Noticed", USER)
    shop.happens("Signed Up", GUEST)
    ada, guest = shop.customer(*USER), shop.customer(*GUEST)
    shop.happens("Identified", USER, GUEST)
    shop.happens("Added", USER, cart="1")
    assert len(shop.runs(ada)) == 2
    shop.part(np.array([guest]))
    assert (shop.runs(ada), shop.runs(guest)) == ([("cart", 0, "")], [("welcome", 0, "")])
    shop.happens("Visited", GUEST)
    shop.happens("Visited", GUEST)
    shop.later(25 * HOUR)
    assert shop.planned(guest) == ["often"]
    assert shop.planned(ada) == []
    assert in_order(shop)


def test_planned_messages_follow_their_run(shop: Shop) -> None:
    shop.happens("Noticed", USER)
    shop.happens("Signed Up", GUEST)
    shop.later(25 * HOUR)
    ada, guest = shop.customer(*USER), shop.customer(*GUEST)
    assert shop.planned(guest) == ["seldom"]
    shop.happens("Identified", USER, GUEST)
    assert (shop.planned(guest), shop.planned(ada)) == ([], ["seldom"])
