"""Subjects, links and merging as the store keeps them, on both stores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import numpy as np
from sqlalchemy import Connection
from store_rows import NOW

from sojourn.customer import merging
from sojourn.customer.identity import Links, Standing
from sojourn.store import customers
from sojourn.store.database import Database

ADA = [("user_id", "ada"), ("anonymous_id", "a1")]


def _join(connection: Connection, identities: list[tuple[str, str]], key: int = 1) -> list[int]:
    """What ingest does with an event that names several identities; answers their customers."""
    found = customers.identify(connection, identities, NOW)
    left, right = sorted(set(found.subjects.tolist()))[:1], sorted(set(found.subjects.tolist()))[1:]
    links = Links.of((left[0], other, NOW, key, Standing.CLAIMED) for other in right)
    fresh = merging.news(links, customers.remembered(connection, links))
    if len(fresh):
        known = customers.known(connection, found.subjects, found.subjects[found.born])
        customers.carry_out(connection, merging.resolve(fresh, known), NOW)
    return [int(customer) for customer in customers.customers_of(connection, found.subjects)]


def test_an_identity_is_one_subject_for_ever(database: Database) -> None:
    first = database.write(lambda connection: customers.identify(connection, [*ADA, ADA[0]], NOW))
    assert first.subjects[0] == first.subjects[2] != first.subjects[1]
    assert first.born.all()
    assert first.customers.tolist() == first.subjects.tolist()
    again = database.write(
        lambda connection: customers.identify(connection, [("email", "a@x.org"), ADA[1]], NOW)
    )
    assert (again.subjects[1], again.born.tolist()) == (first.subjects[1], [True, False])
    with database.reading() as connection:
        assert customers.find(connection, [ADA[1], ("email", "nobody")]).subjects.tolist() == [
            first.subjects[1],
            0,
        ]


def test_texts_of_all_kinds_are_kept_apart(database: Database) -> None:
    values = ["a", "A", " a", "\u00e4", "a\u0308", "😀", "'; --", 'x"y', "{}", "%s", "?", "\t"]
    identities = [("user_id", value) for value in values]
    made = database.write(lambda connection: customers.identify(connection, identities, NOW))
    assert len(set(made.subjects.tolist())) == len(values)
    with database.reading() as connection:
        assert customers.find(connection, identities).subjects.tolist() == made.subjects.tolist()


def test_linked_subjects_become_one_customer_and_can_be_taken_apart(database: Database) -> None:
    ada = database.write(lambda connection: _join(connection, ADA))
    bob = database.write(lambda connection: _join(connection, [("anonymous_id", "b1")]))
    assert ada == [ada[0]] * 2
    both = database.write(lambda connection: _join(connection, [("anonymous_id", "b1"), ("user_id", "ada")]))
    assert both == [ada[0]] * 2
    with database.reading() as connection:
        assert customers.count(connection) == 1
        assert customers.page(connection, 0, 10).tolist() == [ada[0]]
        assert customers.subjects_of(connection, ada[0])["value"] == ["ada", "a1", "b1"]
        moved, owners, stamp = customers.moved_since(connection, 0)
        assert (moved.tolist(), owners.tolist()) == ([bob[0] - 1, bob[0]], [ada[0]] * 2)

    def cut(connection: Connection) -> None:
        known = customers.known(connection, np.array(bob), np.zeros(0, np.int64))
        customers.carry_out(connection, merging.resolve(merging.split(np.array(bob), known), known), NOW + 1)

    database.write(cut)
    with database.reading() as connection:
        assert customers.customers_of(connection, np.array(bob)).tolist() == bob
        moved, owners, _ = customers.moved_since(connection, stamp)
        assert dict(zip(moved.tolist(), owners.tolist(), strict=True))[bob[0]] == bob[0]
        assert customers.count(connection) == 2


def _everybody_writes(workers: list[Database], joins: Callable[[int, int], list[tuple[str, str]]]) -> None:
    def write(n: int) -> None:
        for i in range(30):
            workers[n].write(partial(_join, identities=joins(n, i)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_nothing_that_moved_is_missed_between_two_answers(workers: list[Database]) -> None:
    done, seen, stamp = threading.Event(), dict[int, int](), 0

    def write() -> None:
        _everybody_writes(workers, lambda n, i: [("user_id", f"{n}-{i}"), ("anonymous_id", f"{n}-{i}")])
        done.set()

    threading.Thread(target=write).start()
    while True:
        ended = done.is_set()
        with workers[0].reading() as connection:
            moved, owners, stamp = customers.moved_since(connection, stamp)
        seen |= dict(zip(moved.tolist(), owners.tolist(), strict=True))
        if ended:
            break
    with workers[0].reading() as connection:
        moved, owners, _ = customers.moved_since(connection, 0)
    assert seen == dict(zip(moved.tolist(), owners.tolist(), strict=True))
    assert len(seen) == 120


def test_workers_who_meet_the_same_people_agree(workers: list[Database]) -> None:
    _everybody_writes(workers, lambda n, i: [("user_id", f"u{i}"), ("anonymous_id", f"{n}-{i}")])
    with workers[0].reading() as connection:
        assert customers.count(connection) == 30
        found = customers.find(connection, [("anonymous_id", f"{n}-0") for n in range(4)])
    assert len(set(found.customers.tolist())) == 1
