"""Consents, messages, rates, imports, quarantine and the list of lake segments, on both stores."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pytest
from store_rows import NOW

from sojourn.errors import Conflict
from sojourn.store import messages
from sojourn.store.database import Database
from sojourn.store.files import imports, lake_segments, quarantine
from sojourn.store.files.lake_segments import Listed
from sojourn.store.files.quarantine import Refused
from sojourn.store.messages import PIXEL, Hits, Message
from sojourn.store.portions import rates
from sojourn.store.reach import consents
from sojourn.store.reach.consents import Optin, Statements


def test_consents_are_only_ever_added(database: Database) -> None:
    said = Statements(
        np.array([5, 6, 5]), ["email", "", "email"], ["news"] * 3, ["given", "given", "withdrawn"],
        np.array([NOW, NOW, NOW + 1]), ["form", "import", "link"], ['{"ip":"x"}', "{}", "{}"],
    )  # fmt: skip
    database.write(lambda connection: consents.state(connection, said))
    with database.reading() as connection:
        found = consents.of_customers(connection, [5])
    assert (found.states, found.at.tolist(), found.proofs[0]) == (
        ["given", "withdrawn"],
        [NOW, NOW + 1],
        '{"ip":"x"}',
    )


def test_suppressed_addresses(database: Database) -> None:
    new = database.write(
        lambda connection: consents.suppress(connection, "email", ["h1", "h2"], "bounced", NOW)
    )
    again = database.write(
        lambda connection: consents.suppress(connection, "email", ["h2", "h3"], "spam", NOW)
    )
    assert (new.tolist(), again.tolist()) == ([True, True], [False, True])
    with database.reading() as connection:
        assert consents.suppressed(connection, "email", ["h1", "h2", "h3", "h4"]) == {
            "h1": "bounced", "h2": "bounced", "h3": "spam",
        }  # fmt: skip
        assert consents.suppressed(connection, "sms", ["h1"]) == {}


def test_an_opt_in_is_confirmed_once_and_in_time(database: Database) -> None:
    asked = Optin(5, "email", "news", NOW, NOW + 10)
    for token in ("t1", "t2"):
        database.write(partial(consents.ask, token=token, optin=asked))
    assert database.write(lambda connection: consents.confirm(connection, "t1", NOW + 9)) == asked
    assert database.write(lambda connection: consents.confirm(connection, "t1", NOW + 9)) is None
    assert database.write(lambda connection: consents.confirm(connection, "t2", NOW + 10)) is None


def test_a_message_stays_as_it_was_first_written(database: Database) -> None:
    first = Message(2**62, 5, "ada@example.org", "Hi ü 😀", "<p>", "hi", "{}", "abc", NOW)
    second = Message(2**62, 5, "eve@example.org", "changed", "", "", "{}", "def", NOW + 1)
    assert database.write(lambda connection: messages.freeze(connection, [first])).tolist() == [True]
    assert database.write(lambda connection: messages.freeze(connection, [second])).tolist() == [False]
    with database.reading() as connection:
        assert messages.find(connection, np.array([2**62, 3])) == {2**62: first}


def test_links_and_hits(database: Database) -> None:
    database.write(lambda connection: messages.link(connection, 7, {0: "https://a", 1: "https://b"}))
    database.write(lambda connection: messages.link(connection, 7, {1: "https://evil"}))
    hits = Hits(
        np.array([7, 7]),
        np.array([1, PIXEL]),
        np.array([NOW, NOW + 1]),
        ["i", "j"],
        ["x", "y"],
        np.array([0, 1]),
    )
    database.write(lambda connection: messages.hit(connection, hits))
    with database.reading() as connection:
        assert messages.destination(connection, 7, 1) == "https://b"
        assert messages.destination(connection, 7, 2) is None
        assert messages.hits_of(connection, 7).links.tolist() == [1, PIXEL]


def test_a_rate_holds_across_workers(workers: list[Database]) -> None:
    starts: list[int] = []

    def work(mine: Database) -> None:
        for _ in range(10):
            starts.extend(
                mine.write(lambda connection: rates.reserve(connection, "smtp", 7, 100, NOW)).tolist()
            )

    threads = [threading.Thread(target=work, args=(mine,)) for mine in workers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts.sort()
    assert (len(starts), starts[0]) == (560, NOW)
    assert (np.diff(starts) == 10_000).all()
    assert (
        workers[0].write(lambda connection: rates.reserve(connection, "smtp", 1, 100, starts[-1] + 99_999))[0]
        > starts[-1]
    )


def test_an_import_goes_on_where_it_was(database: Database) -> None:
    begun = database.write(lambda connection: imports.begin(connection, "a.csv", "f", "{}", NOW))
    database.write(lambda connection: imports.advance(connection, begun.id, 500, NOW + 1))
    again = database.write(lambda connection: imports.begin(connection, "b.csv", "f", "{}", NOW + 2))
    assert (again.id, again.done, again.state, again.file) == (begun.id, 500, "running", "a.csv")
    database.write(lambda connection: imports.advance(connection, begun.id, 900, NOW + 3, "done"))
    with database.reading() as connection:
        assert [(one.done, one.state) for one in imports.every(connection)] == [(900, "done")]


def test_what_is_quarantined_can_be_replayed(database: Database) -> None:
    refused = [Refused(NOW, "batch", '{"a":1}', "no id"), Refused(NOW, "pixel", "x", "no JSON")]
    database.write(lambda connection: quarantine.keep(connection, refused))
    with database.reading() as connection:
        first, second = quarantine.page(connection)
        assert (first.raw, second.reason, quarantine.count(connection)) == ('{"a":1}', "no JSON", 2)
    database.write(lambda connection: quarantine.replayed(connection, [first.id], NOW + 1))
    database.write(lambda connection: quarantine.failed(connection, [second.id], "still no JSON"))
    with database.reading() as connection:
        assert [(one.id, one.tries, one.reason) for one in quarantine.page(connection)] == [
            (second.id, 2, "still no JSON")
        ]
        assert len(quarantine.page(connection, waiting=False)) == 2


def test_attempts_are_counted_before_the_work(database: Database) -> None:
    prints = np.array([1, 2**62])
    assert database.write(lambda connection: quarantine.attempt(connection, prints, NOW)) == {1: 1, 2**62: 1}
    assert database.write(lambda connection: quarantine.attempt(connection, prints[1:], NOW)) == {2**62: 2}
    database.write(lambda connection: quarantine.survived(connection, prints))
    assert database.write(lambda connection: quarantine.attempt(connection, prints, NOW)) == {1: 1, 2**62: 1}


def test_lake_segments_are_swapped_at_once(database: Database) -> None:
    one, two, both = (Listed(name, 0, 0, 1, 9, NOW, NOW + 5, 100, 4000) for name in ("one", "two", "both"))
    database.write(lambda connection: lake_segments.swap(connection, [one, two]))
    database.write(lambda connection: lake_segments.swap(connection, [two]))
    database.write(lambda connection: lake_segments.swap(connection, [both], ["one", "two"]))
    with pytest.raises(Conflict):
        database.write(lambda connection: lake_segments.swap(connection, [one], ["two"]))
    with database.reading() as connection:
        assert lake_segments.every(connection) == [both]
