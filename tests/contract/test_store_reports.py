"""What is told later: reports in any order (P33), who has a number, and where browsers take notifications."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import store_rows
from sqlalchemy import text
from store_rows import NOW

from sojourn.store import customers, effects, messages
from sojourn.store.database import Database
from sojourn.store.effects import Settled, State
from sojourn.store.messages import Message
from sojourn.store.reach import subscriptions

LEASE = 30_000_000
REPORTS = (State.ACCEPTED, State.FAILED, State.DELIVERED, State.DELIVERED, State.BOUNCED)
ONE = np.ones(1, np.int64)


def sending(database: Database, keys: list[int]) -> effects.Effects:
    """Effects whose intent is committed."""
    database.write(lambda c: effects.plan(c, store_rows.effects(keys)))
    claimed = database.write(lambda c: effects.claim(c, NOW, 1000, LEASE))
    contents = np.full(len(claimed), 9)
    database.write(lambda c: effects.intend(c, claimed.keys, claimed.fences, contents, NOW, LEASE))
    return claimed


def settle(database: Database, some: effects.Effects, state: State) -> list[bool]:
    size = len(some)
    columns = np.full(size, int(state)), np.full(size, NOW), ["ref"] * size, [""] * size
    done = Settled(some.keys, some.fences, *columns)
    return [bool(one) for one in database.write(lambda c: effects.settle(c, done))]


def report(database: Database, key: int, state: State) -> bool:
    columns = ONE * key, ONE * int(state), [state.name]
    return bool(database.write(lambda c: effects.report(c, *columns))[0])


def states(database: Database, keys: list[int]) -> list[State]:
    with database.reading() as connection:
        return [State(one) for one in effects.by_key(connection, np.array(keys)).states.tolist()]


@pytest.mark.parametrize("before", [State.ACCEPTED, State.UNKNOWN, State.DEFERRED, State.SENDING])
@pytest.mark.parametrize("told", [REPORTS[:4], REPORTS, (State.ACCEPTED, State.FAILED), (State.FAILED,) * 2])
def test_any_order_of_reports_comes_to_the_same(
    database: Database, before: State, told: tuple[State, ...]
) -> None:
    """`failed` after `delivered` changes nothing, and `delivered` after `failed` is believed."""
    orders = sorted(set(permutations(told)))
    keys = list(range(1, len(orders) + 1))
    some = sending(database, keys)
    if before is not State.SENDING:
        settle(database, some, before)

    def write(connection: object) -> None:
        for turn in range(len(told)):
            said = np.array([int(order[turn]) for order in orders])
            effects.report(connection, np.array(keys), said, [""] * len(keys))  # type: ignore[arg-type]

    database.write(write)
    assert set(states(database, keys)) == {max(told, key=REPORTS.index)}


def test_what_nobody_has_begun_is_not_reported(database: Database) -> None:
    database.write(lambda c: effects.plan(c, store_rows.effects([1])))
    assert not report(database, 1, State.DELIVERED)
    assert states(database, [1]) == [State.PLANNED]


def test_a_report_may_come_before_the_answer_is_written(database: Database) -> None:
    """The dispatcher then knows that it is its own effect that was moved, and not one that it lost."""
    some = sending(database, [1, 2, 3])
    assert report(database, 1, State.DELIVERED)
    assert settle(database, some, State.ACCEPTED) == [False, True, True]
    with database.reading() as connection:
        assert effects.overtaken(connection, some.keys, some.fences).tolist() == [True, True, True]
        assert effects.overtaken(connection, some.keys, some.fences + 1).tolist() == [False] * 3
    assert states(database, [1, 2]) == [State.DELIVERED, State.ACCEPTED]


def test_the_latest_to_a_number_comes_first(database: Database) -> None:
    sent = [
        Message(n, n, recipient, "", "", "Hi", "{}", "00", n)
        for n, recipient in enumerate(("+14155552671", "+14155552672", "+14155552671", "ada@example.org"), 1)
    ]
    database.write(lambda c: messages.freeze(c, sent))
    with database.reading() as connection:
        found = [one.effect for one in messages.to_number(connection, "+14155552671")]
        assert found == [3, 1]
        assert messages.to_number(connection, "ada@example.org") == []
        if database.dialect == "sqlite":
            plan = connection.execute(
                text(
                    "EXPLAIN QUERY PLAN SELECT * FROM messages"
                    " WHERE recipient = 'x' AND substr(recipient, 1, 1) = '+'"
                )
            )
            assert "messages_by_number" in str(plan.all())


def test_browsers_are_customers_and_move_with_them(database: Database) -> None:
    people = [("user_id", "ada"), ("user_id", "bob")]
    ada, bob = database.write(lambda c: customers.identify(c, people, NOW)).customers.tolist()

    def subscribe(customer: int, endpoint: str, keys: str, now: int = NOW) -> None:
        database.write(lambda c: subscriptions.subscribe(c, customer, endpoint, keys, now))

    def live(*of: int) -> dict[int, tuple[str, ...]]:
        with database.reading() as connection:
            return subscriptions.of_customers(connection, np.array(of))

    subscribe(ada, "https://push.example/1", "one", NOW)
    subscribe(ada, "https://push.example/2", "two", NOW + 1)
    assert live(ada, bob) == {ada: ("one", "two")}
    subscribe(bob, "https://push.example/1", "uno")  # the same browser, in which Bob has logged in
    assert live(ada, bob) == {ada: ("two",), bob: ("uno",)}
    database.write(lambda c: subscriptions.end(c, ["one", "two"], NOW))
    assert live(ada, bob) == {bob: ("uno",)}
    assert database.write(lambda c: subscriptions.leave(c, "https://push.example/1", NOW)) == bob
    assert database.write(lambda c: subscriptions.leave(c, "https://push.example/1", NOW)) == 0
    assert live(ada, bob) == {}
    subscribe(ada, "https://push.example/2", "two")
    assert live(ada) == {ada: ("two",)}
