"""What is accepted counts once, about the right customer, in whatever order it comes (P2, P4, P7, P9)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from typing import Any

import pytest
from sqlalchemy import Connection

from sojourn.customer.merging import Resolution
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading, Rejected
from sojourn.ingest.intake import Intake
from sojourn.ingest.wire import segment
from sojourn.ingest.wire.lenient import Envelope
from sojourn.ingest.wire.trust import Source
from sojourn.store import customers, log
from sojourn.store.database import Database
from sojourn.store.files import quarantine
from sojourn.store.log import Logged, Offset
from sojourn.store.names import Names
from sojourn.tape.grain import GRAIN

DAY = 86_400_000_000
_salts = itertools.count()


@pytest.fixture
def intake(database: Database) -> Intake:
    return Intake(database, Books(Names(database.reading)))


def calls(*some: dict[str, Any], now: int = 1_790_000_000_000_000, source: Source | None = None) -> Reading:
    raw = [json.dumps({"type": "track", "event": "E", **call}).encode() for call in some]
    return segment.read(Envelope(raw), source or Source(), now, f"salt{next(_salts)}")  # type: ignore[arg-type]


def take(intake: Intake, *some: dict[str, Any], **options: Any) -> None:
    intake.take(calls(*some, **options), "test").result()


def logged(database: Database) -> Logged:
    with database.reading() as connection:
        return log.read(connection, Offset(), 100_000)


def owners(database: Database) -> list[int]:
    rows = logged(database)
    with database.reading() as connection:
        return [int(owner) for owner in customers.customers_of(connection, rows.subjects)]


def customer(database: Database, kind: str, value: str) -> int:
    with database.reading() as connection:
        return int(customers.find(connection, [(kind, value)]).customers[0])


def test_an_event_id_counts_once_whenever_and_wherever_it_comes(database: Database, intake: Intake) -> None:
    other = Intake(database, Books(Names(database.reading)))
    call = {"userId": "u", "messageId": "m"}
    for door, days in ((intake, 0), (intake, 0.96), (other, 1.04), (other, 29)):
        take(door, call, call, now=1_780_000_000_000_000 + int(days * DAY))
    take(intake, call, source=Source(Origin.PUBLIC))
    assert len(logged(database)) == 1


def test_two_doors_at_once_let_an_event_in_once(database: Database, intake: Intake) -> None:
    doors = [intake, Intake(database, Books(Names(database.reading)))]
    same = calls(*({"userId": f"u{n % 7}", "messageId": str(n)} for n in range(50)))
    futures = [door.take(same, "test") for _ in range(10) for door in doors]
    wait(futures)
    assert all(future.exception() is None for future in futures)
    assert sorted(logged(database).keys.tolist()) == sorted(event.key for event in same.events)


def test_events_that_come_together_are_met_a_grain_apart_each_customers(
    database: Database, intake: Intake
) -> None:
    take(intake, *({"userId": f"u{n % 2}"} for n in range(6)))
    rows = logged(database)
    first = int(rows.received.min())
    assert first % GRAIN == 0
    assert (rows.received - first).tolist() == [0, 0, GRAIN, GRAIN, 2 * GRAIN, 2 * GRAIN]


def test_events_are_met_in_the_order_of_the_log(database: Database, intake: Intake) -> None:
    for n in range(20):
        take(intake, {"userId": "u", "messageId": str(n)}, now=0)
    received = logged(database).received.tolist()
    assert received == sorted(received)
    assert received[0] > 10**15


def test_history_keeps_its_own_instants(database: Database, intake: Intake) -> None:
    old = {"userId": "u", "timestamp": "2020-01-01T00:00:00Z"}
    take(intake, old, source=Source(Origin.IMPORT))
    rows = logged(database)
    assert rows.received.tolist() == rows.happened.tolist() == [1_577_836_800_000_000]


def test_whoever_is_known_by_two_ids_is_one_customer(database: Database, intake: Intake) -> None:
    take(intake, {"anonymousId": "a"}, {"anonymousId": "b"}, {"userId": "u"})
    take(intake, {"userId": "u", "anonymousId": "a"}, {"anonymousId": "a"}, {"anonymousId": "b"})
    a, b, u, *later = owners(database)
    assert a == u != b
    assert later == [u, u, b]


def test_two_users_on_one_device_stay_two(database: Database, intake: Intake) -> None:
    tablet = {"anonymousId": "tablet"}
    take(intake, {"userId": "u2", "timestamp": "2026-03-01T09:00:01Z", **tablet})
    take(intake, {"userId": "u1", "timestamp": "2026-03-01T09:00:00Z", **tablet})
    assert customer(database, "user_id", "u1") != customer(database, "user_id", "u2")
    assert customer(database, "anonymous_id", "tablet") == customer(database, "user_id", "u1")


def test_a_browsers_alias_never_joins_two_users(database: Database, intake: Intake) -> None:
    """analytics-next sends `alias('u2')` after identify as userId = u2, previousId = u1."""
    take(intake, {"userId": "u1"}, {"userId": "u2"})
    take(intake, {"type": "alias", "userId": "u2", "previousId": "u1"}, source=Source(Origin.PUBLIC))
    assert customer(database, "user_id", "u1") != customer(database, "user_id", "u2")


def test_a_servers_alias_joins_two_users_and_is_no_event(database: Database, intake: Intake) -> None:
    take(intake, {"userId": "u1"}, {"userId": "u2"})
    take(intake, {"type": "alias", "userId": "u2", "previousId": "u1"})
    assert customer(database, "user_id", "u1") == customer(database, "user_id", "u2")
    assert len(logged(database)) == 2


def test_aliases_in_a_circle_and_to_oneself_change_nothing_more(database: Database, intake: Intake) -> None:
    take(intake, {"type": "alias", "userId": "u1", "previousId": "u1"})
    for _ in range(2):
        take(intake, {"type": "alias", "userId": "u1", "previousId": "u2"})
        take(intake, {"type": "alias", "userId": "u2", "previousId": "u1"})
    assert customer(database, "user_id", "u1") == customer(database, "user_id", "u2") > 0


def test_a_thousand_devices_of_one_user_are_taken_in_time(database: Database, intake: Intake) -> None:
    for start in range(0, 1000, 100):
        take(intake, *({"userId": "u", "anonymousId": f"a{n}"} for n in range(start, start + 100)))
    rows = logged(database)
    assert len(rows) == 1000
    assert len(set(rows.subjects.tolist())) == 1
    own = {customer(database, "anonymous_id", f"a{n}") for n in range(1000)}
    assert len(own) == 1000 - 5 + 1  # five devices a user


def test_blocked_ids_are_nobodys(database: Database, intake: Intake) -> None:
    reading = calls({"userId": "null"}, {"userId": "0000"}, {"anonymousId": "anonymous"}, {"userId": "-1"})
    assert [one.place for one in reading.rejected] == ["userId"] * 4
    intake.take(reading, "test").result()
    assert len(logged(database)) == 0
    with database.reading() as connection:
        assert quarantine.count(connection) == 4


def variants() -> Iterator[tuple[dict[str, Any], ...]]:
    """Four events that tell who is who, in every order, one of them twice."""
    told = (
        {"userId": "u", "anonymousId": "a", "timestamp": "2026-03-01T09:00:00Z", "messageId": "1"},
        {"userId": "w", "anonymousId": "a", "timestamp": "2026-03-01T09:00:01Z", "messageId": "2"},
        {"anonymousId": "b", "timestamp": "2026-03-01T09:00:02Z", "messageId": "3"},
        {"userId": "w", "anonymousId": "b", "timestamp": "2026-03-01T09:00:03Z", "messageId": "4"},
    )
    for number, order in enumerate(itertools.permutations(told)):
        yield (*order, order[number % 4])


def test_the_order_of_arrival_does_not_change_who_is_who(database: Database, intake: Intake) -> None:
    found = set()
    for number, order in enumerate(variants()):
        mine = [
            {name: f"{value}.{number}" if name.endswith("Id") else value for name, value in call.items()}
            for call in order
        ]
        for call in mine:
            take(intake, call, now=1_800_000_000_000_000)
        ids = (("user_id", "u"), ("user_id", "w"), ("anonymous_id", "a"), ("anonymous_id", "b"))
        same = [customer(database, kind, f"{value}.{number}") for kind, value in ids]
        found.add(tuple(same.index(one) for one in same))
    assert found == {(0, 1, 0, 1)}


def test_an_event_that_cannot_be_written_goes_to_quarantine_alone(database: Database, intake: Intake) -> None:
    good = calls(*({"userId": "u", "messageId": str(n)} for n in range(99))).events
    bad = Event(1, "E", (("user_id", "u"),), happened=2**70, received=2**70, origin=Origin.SERVER)
    intake.take(Reading((*good[:50], bad, *good[50:])), "test").result()
    assert len(logged(database)) == 99
    with database.reading() as connection:
        (kept,) = quarantine.page(connection)
    assert "cannot be written" in kept.reason


def test_what_is_rejected_is_kept_as_it_came(database: Database, intake: Intake) -> None:
    intake.take(Reading(rejected=(Rejected(b"\xff\x00!", "no", "event"),)), "test").result()
    with database.reading() as connection:
        (kept,) = quarantine.page(connection)
    assert (kept.raw, kept.reason, kept.source) == ("\ufffd\ufffd!", "event: no", "test")


def test_the_backlog_is_empty_when_all_is_written(intake: Intake) -> None:
    futures = [intake.take(calls(*[{"userId": "u"}] * 1000), "test") for _ in range(20)]
    assert intake.backlog > 0
    wait(futures)
    assert intake.backlog == 0


def test_who_is_merged_is_told_to_whoever_has_to_know(database: Database) -> None:
    told: list[Resolution] = []

    def on_merge(connection: Connection, resolution: Resolution, now: int) -> None:
        told.append(resolution)

    intake = Intake(database, Books(Names(database.reading), on_merge=on_merge))
    take(intake, {"anonymousId": "a"})
    take(intake, {"userId": "u"})
    take(intake, {"userId": "u", "anonymousId": "a"})
    (resolution,) = told
    (merge,) = resolution.merges
    assert (merge.kept, merge.merged) == (customer(database, "user_id", "u"), 2)


def test_what_is_remembered_follows_a_merge(database: Database, intake: Intake) -> None:
    take(intake, {"anonymousId": "a", "messageId": "1"}, {"userId": "u", "messageId": "2"})
    take(intake, {"anonymousId": "a", "messageId": "3"}, {"userId": "u", "messageId": "4"})
    take(intake, {"anonymousId": "a", "userId": "u", "messageId": "5"})
    take(intake, {"anonymousId": "a", "messageId": "6"}, {"userId": "u", "messageId": "7"})
    assert len(set(owners(database))) == 1
    partitions: Sequence[int] = logged(database).partitions.tolist()
    assert len(set(partitions[-3:])) == 1
