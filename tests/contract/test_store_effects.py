"""The effect ledger: fences, leases and the one-way street of states (M1, M2, P11, P33)."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import store_rows
from store_rows import NOW

from sojourn.store import effects
from sojourn.store.database import Database
from sojourn.store.effects import Effects, Settled, State

LEASE = 30_000_000


def _plan(database: Database, keys: list[int]) -> list[bool]:
    return [
        bool(one)
        for one in database.write(lambda connection: effects.plan(connection, store_rows.effects(keys)))
    ]


def _claim(database: Database, now: int = NOW, limit: int = 100) -> Effects:
    return database.write(lambda connection: effects.claim(connection, now, limit, LEASE))


def _intend(database: Database, some: Effects) -> list[bool]:
    contents = np.full(len(some), 9)
    held = database.write(
        lambda connection: effects.intend(connection, some.keys, some.fences, contents, NOW, 2 * LEASE)
    )
    return [bool(one) for one in held]


def _settle(database: Database, some: Effects, state: State, due: int = NOW) -> list[bool]:
    size = len(some)
    settled = Settled(
        some.keys, some.fences, np.full(size, state), np.full(size, due), ["ref"] * size, [""] * size
    )
    return [bool(one) for one in database.write(lambda connection: effects.settle(connection, settled))]


def _states(database: Database) -> dict[State, int]:
    with database.reading() as connection:
        return effects.counts(connection)


def test_a_replay_plans_nothing_twice(database: Database) -> None:
    assert _plan(database, [1, 2]) == [True, True]
    assert _plan(database, [2, 3]) == [False, True]
    assert _states(database) == {State.PLANNED: 3}


def test_the_way_of_an_effect(database: Database) -> None:
    _plan(database, [1])
    claimed = _claim(database)
    assert (claimed.keys.tolist(), claimed.fences.tolist(), claimed.leases.tolist()) == (
        [1],
        [1],
        [NOW + LEASE],
    )
    assert len(_claim(database)) == 0
    assert _intend(database, claimed) == [True]
    assert _settle(database, claimed, State.ACCEPTED) == [True]
    with database.reading() as connection:
        found = effects.by_key(connection, np.array([1]))
    assert (found.states.tolist(), found.attempts.tolist(), found.contents.tolist()) == (
        [State.ACCEPTED],
        [1],
        [9],
    )
    assert found.provider_refs == ["ref"]


def test_only_due_effects_of_a_channel_are_claimed(database: Database) -> None:
    some = store_rows.effects(
        [1, 2, 3], due=np.array([NOW, NOW + 1, NOW]), channels=["email", "email", "sms"]
    )
    database.write(lambda connection: effects.plan(connection, some))
    claimed = database.write(lambda connection: effects.claim(connection, NOW, 10, LEASE, ["email"]))
    assert claimed.keys.tolist() == [1]
    with database.reading() as connection:
        assert effects.next_due(connection) == NOW


def test_a_deferred_effect_comes_again_when_due(database: Database) -> None:
    _plan(database, [1])
    claimed = _claim(database)
    _intend(database, claimed)
    assert _settle(database, claimed, State.DEFERRED, NOW + 60) == [True]
    assert len(_claim(database, NOW + 59)) == 0
    assert _claim(database, NOW + 60).fences.tolist() == [2]


def test_a_worker_that_slept_past_its_lease_writes_nothing(database: Database) -> None:
    _plan(database, [1, 2])
    slept = _claim(database)
    other = _claim(database, NOW + LEASE)
    assert other.keys.tolist() == [1, 2]
    assert _intend(database, slept) == [False, False]
    assert _settle(database, slept, State.ACCEPTED) == [False, False]
    assert _intend(database, other) == [True, True]
    assert _intend(database, other) == [False, False]


def test_what_was_being_sent_is_never_claimed_but_taken_over(database: Database) -> None:
    _plan(database, [1])
    gone = _claim(database)
    _intend(database, gone)
    later = NOW + 3 * LEASE
    assert len(_claim(database, later)) == 0
    taken = database.write(lambda connection: effects.take_over(connection, later, 10, LEASE))
    assert (taken.keys.tolist(), taken.fences.tolist(), taken.attempts.tolist()) == ([1], [2], [1])
    assert _settle(database, gone, State.ACCEPTED) == [False]
    assert _settle(database, taken, State.UNKNOWN) == [True]


def test_eight_claimers_get_each_effect_once(workers: list[Database]) -> None:
    for start in range(1, 5001, 1000):
        _plan(workers[0], [*range(start, start + 1000)])
    got: list[int] = []

    def work(mine: Database) -> None:
        while len(claimed := _claim(mine, limit=37)):
            assert all(_intend(mine, claimed))
            assert all(_settle(mine, claimed, State.ACCEPTED))
            got.extend(claimed.keys.tolist())

    threads = [threading.Thread(target=work, args=(mine,)) for mine in workers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(Counter(got).values()) == 1
    assert sorted(got) == list(range(1, 5001))
    assert _states(workers[0]) == {State.ACCEPTED: 5000}


def test_reports_only_move_forward_whatever_their_order(database: Database) -> None:
    _plan(database, [1, 2, 3])
    claimed = _claim(database)
    _intend(database, claimed)
    _settle(database, claimed, State.UNKNOWN)

    def report(keys: list[int], states: list[State]) -> list[bool]:
        columns = np.array(keys), np.array(states, np.int64), ["said"] * len(keys)
        return [bool(one) for one in database.write(lambda connection: effects.report(connection, *columns))]

    assert report([1, 2], [State.DELIVERED, State.BOUNCED]) == [True, True]
    assert report([1, 2, 9], [State.COMPLAINED, State.DELIVERED, State.DELIVERED]) == [True, False, False]
    assert _states(database) == {State.COMPLAINED: 1, State.BOUNCED: 1, State.UNKNOWN: 1}


def test_only_what_nobody_sends_can_be_cancelled(database: Database) -> None:
    _plan(database, [1, 2])
    claimed = _claim(database, limit=1)
    _intend(database, claimed)
    keys = np.array([1, 2])
    stopped = database.write(
        lambda connection: effects.cancel(connection, keys, State.SUPPRESSED, "opted out")
    )
    assert stopped.tolist() == [False, True]


def test_what_is_given_back_is_anybodys(database: Database) -> None:
    _plan(database, [1, 2])
    claimed = _claim(database)
    begun = claimed.take(np.flatnonzero(claimed.keys == 1))
    assert _intend(database, begun) == [True]
    database.write(lambda connection: effects.let_go(connection, claimed.keys, claimed.fences))
    assert _claim(database).keys.tolist() == [2]
    assert _settle(database, begun, State.ACCEPTED) == [True]
