"""Live is backtest: one history and its journeys, fed in arrival order with kills, and played at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import msgspec
import numpy as np
import pytest
from played_catalogue import catalogue
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.journey.effects import Send
from sojourn.journey.play import Playing, play
from sojourn.journey.runs import Runs
from sojourn.journey.world import World
from sojourn.runtime.belonging.bitmap import members
from sojourn.runtime.belonging.following import Following
from sojourn.runtime.belonging.history import from_the_start
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.deciding import deciding
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Resident
from sojourn.store import effects as ledger
from sojourn.store import log, runs
from sojourn.store.database import Database
from sojourn.store.definitions import segments as memberships
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import mix

HOUR = 3_600_000_000
EVERYBODY = np.arange(1, 61)
BEGIN = 1_772_000_000_000_000 // GRAIN * GRAIN
NAMES = ("Signed Up", "Logged In", "Added", "Order Completed", "Noise", "Identified")


def history(seed: int, customers: int, events: int) -> log.Events:
    """Random events in the order of their arrival; names are codes from 1."""
    dice = np.random.default_rng(seed)
    subjects = dice.integers(1, customers + 1, events)
    received = np.sort(BEGIN + dice.integers(0, 30 * 24 * HOUR // GRAIN, events) * GRAIN)
    received += np.arange(events) * GRAIN  # each at an instant of its own
    names = dice.integers(0, len(NAMES), events)
    properties = [
        msgspec.json.encode({"value": int(value), "cart": f"c{cart}"}).decode()
        for value, cart in zip(dice.integers(0, 10, events), dice.integers(0, 4, events), strict=True)
    ]
    plans = ["paid", "free"]
    traits = [
        f'{{"plan":"{plans[pick]}"}}' if name == 5 else ""
        for pick, name in zip(dice.integers(0, 2, events), names, strict=True)
    ]
    return log.Events(
        partitions=subjects % PARTITIONS,
        subjects=subjects,
        keys=mix(np.arange(1, events + 1), seed),
        runs=np.zeros(events, np.int64),
        names=names + 1,
        happened=received - dice.integers(0, 2 * HOUR, events),
        received=received,
        origins=np.full(events, 2),
        properties=properties,
        traits=traits,
    )


def part(events: log.Events, first: int, end: int) -> log.Events:
    return log.Events(**{field.name: getattr(events, field.name)[first:end] for field in fields(log.Events)})


class Killed(Exception):
    """Stands for a kill in the middle of a tick: its transaction is gone."""


def live(database: Database, events: log.Events, published: Catalogue, seed: int) -> None:
    """Feed the events in arrival order, tick at random instants, and lose the process now and then."""
    dice = np.random.default_rng(seed)

    def names_first(connection: Connection) -> None:
        Names(database.reading).codes(connection, NAMES)

    database.write(names_first)
    until = int(events.received[-1]) + 40 * 24 * HOUR
    cuts = np.sort(dice.integers(0, len(events.keys), 40))
    driver = fresh(database)
    previous = 0
    for cut in [*cuts.tolist(), len(events.keys)]:
        if cut > previous:
            batch = part(events, previous, cut)
            database.write(partial(log.append, batch=batch))
        now = int(events.received[cut]) - 1 if cut < len(events.keys) else until
        previous = cut
        if dice.random() < 0.3:
            with pytest.raises(Killed):
                database.write(partial(killed, driver, published=published, now=now))
            driver = fresh(database)
        while step(database, driver, published, now):
            pass


def step(database: Database, driver: Live, published: Catalogue, now: int) -> bool:
    return database.write(partial(driver.tick, catalogue=published, now=now)).held > 0


def killed(driver: Live, connection: Connection, published: Catalogue, now: int) -> None:
    driver.tick(connection, published, now)
    raise Killed


def fresh(database: Database) -> Live:
    names = Names(database.reading)
    return Live(Resident(), names, tapes_of_log(names), at_once=16, max_late=10**15)


@dataclass(frozen=True)
class Replayed:
    """What a play of everything at once came to."""

    world: World
    players: list[Playing]
    following: Sequence[Following]


def played_at_once(database: Database, events: log.Events, published: Catalogue) -> Replayed:
    until = int(events.received[-1]) + 40 * 24 * HOUR
    zeros = np.zeros(len(events.keys), np.int64)
    columns = {field.name: getattr(events, field.name) for field in fields(log.Events)}
    logged = log.Logged(**columns, xids=zeros, positions=np.arange(len(zeros)))
    world = World(
        tape=tapes_of_log(Names(database.reading))(logged),
        segments=published.segments,
        zone=published.policy.fallback_zone,
        heard=published.heard,
        kept=True,
        decide=deciding(published),
        resolve=published.resolve,
        entry_read=True,
    )
    none = np.empty(0, np.int64)
    after = np.zeros(len(world.tape.customers), np.int64)
    players = [Playing(o.programs, world, after, until, Runs.empty(none, none)) for o in published.journeys]
    following = from_the_start(published.followed, world, until)
    play([*following, *players], world, until)
    return Replayed(world, players, following)


Standing = dict[int, tuple[object, ...]]


def stored_runs(connection: Connection) -> Standing:
    found = runs.of_customers(connection, EVERYBODY, inside=False)
    places = (found.steps, found.hops, found.entered, found.since, found.due, found.left)
    columns = [*(column.tolist() for column in places), found.reasons]
    return dict(zip(found.ids.tolist(), zip(*columns, strict=True), strict=True))


def replayed_runs(player: Playing) -> Standing:
    moved, names = player.changed(), (*player.newest.reasons, "")
    places = (moved.steps, moved.hops, moved.entered, moved.since, moved.due, moved.left)
    columns = [*(column.tolist() for column in places), [names[code] for code in moved.reasons.tolist()]]
    return dict(zip(moved.ids.tolist(), zip(*columns, strict=True), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_same_runs_same_marks_same_effect_keys(database: Database, seed: int) -> None:
    events, published = history(seed, customers=len(EVERYBODY), events=1000), catalogue()
    live(database, events, published, seed)
    replayed = played_at_once(database, events, published)

    with database.reading() as connection:
        lived = stored_runs(connection)
        marks = log.read(connection, log.Offset(), 1_000_000)
        sent = [ledger.of_customer(connection, customer) for customer in EVERYBODY.tolist()]
        belonging = memberships.membership(connection, np.arange(PARTITIONS))
    assert len(lived) > 100
    assert lived == {
        run: place for player in replayed.players for run, place in replayed_runs(player).items()
    }

    ours = marks.take(np.flatnonzero(marks.origins == Origin.TICK))
    told = [(batch.keys.tolist(), received.tolist()) for batch, received in replayed.world.told]
    assert set(zip(ours.keys.tolist(), ours.received.tolist(), strict=True)) == {
        mark for keys, instants in told for mark in zip(keys, instants, strict=True)
    }
    effects = [effects for player in replayed.players for effects in player.effects]
    sends = [one for one in effects if isinstance(one.ask, Send) and one.reasons is None]
    assert {key for part in sent for key in part.keys.tolist()} == {
        key for one in sends for key in one.keys.tolist()
    }
    followed = [
        (track, end)
        for one in replayed.following
        for track, end in zip(one.teller.tracks, one.ends, strict=True)
    ]
    assert [track for track, _ in followed] == list(published.followed)
    for track, end in followed:
        rows = [members(row.members, part) for (of, part), row in belonging.items() if of == track.id]
        there = replayed.world.tape.customers[end.members]
        assert np.sort(np.concatenate(rows)).tolist() == there.tolist()
    told_of = {batch.name for batch, _ in replayed.world.told}
    assert {"Segment Entered", "Score Changed", "Lifecycle Changed"} <= told_of
