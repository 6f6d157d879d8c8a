"""Live is backtest: one history and its journeys, fed in arrival order with kills, and played at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import msgspec
import numpy as np
import pytest
from sqlalchemy import Connection

from sojourn.customer import lifecycle, scores
from sojourn.customer.references import Definitions
from sojourn.ingest.event import Origin
from sojourn.journey.effects import Send
from sojourn.journey.play import Playing, play
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs
from sojourn.journey.text import read_journey
from sojourn.journey.world import World
from sojourn.message.policy import parse
from sojourn.rule.text import parse as parse_rule
from sojourn.runtime.belonging.bitmap import members
from sojourn.runtime.belonging.following import Following
from sojourn.runtime.belonging.history import from_the_start
from sojourn.runtime.belonging.watched import Written, watched
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.deciding import deciding
from sojourn.runtime.live import Live
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.resident import Resident
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

NURTURE = """
journey: nurture
enter: [{event: Signed Up, again: after leaving}]
goal: {event: Order Completed, within: 20 days}
leave_if: {performed: Logged In, at_least: 3, within: 2 days}
steps:
  hello: {send: {template: hello, purpose: transactional}}
  pause: {wait: 1 day}
  choice:
    branch:
      - {if: {performed: Logged In, within: 2 days}, then: listen}
      - {if: {trait: plan, is: paid}, then: mark}
    otherwise: arms
  arms: {split: [{name: a, weight: 1, then: mark}, {name: b, weight: 2, then: listen}]}
  mark: {set_trait: {plan: paid}}
  shout: {emit_event: {name: Nudged, properties: {by: nurture}}}
  listen:
    wait_for:
      - {event: Added, then: again}
      - {if: {performed: Logged In, at_least: 2, within: 12 hours}, then: bye}
    at_most: 36 hours
    otherwise: bye
  again: {send: {template: again, purpose: transactional}, then: listen}
  bye: {leave: done}
"""

CART = """
journey: cart
enter: [{event: Added, where: {value: {above: 3}}, again: per cart after leaving}]
holdout: 20%
steps:
  pause: {wait_until: {time: "09:00"}}
  mail: {send: {template: cart, purpose: transactional}}
  more: {wait_for: [{event: Order Completed, since: entry}], at_most: 3 days}
"""

CHAIN = """
journey: chain
enter: [{event: Nudged, again: after 2 days}, {event: Noise, again: never, if: {trait: plan, is: paid}}]
steps:
  pause: {wait: 90 minutes}
  mail: {send: {template: chain, purpose: transactional}}
"""

BACK = """
journey: back
enter: [{segment_entered: keen, again: after leaving}]
steps:
  pause: {wait: 6 hours}
  check: {branch: [{if: {in_segment: keen}, then: mail}], otherwise: bye}
  mail: {send: {template: back, purpose: transactional}}
  bye: {leave: cooled}
"""

GONE = """
journey: gone
enter:
  - {event: Segment Left, where: {segment: buyers}, again: parallel}
  - {segment_entered: quiet, again: after 3 days}
  - {segment_entered: ripe, again: after 3 days}
leave_if: {in_segment: buyers}
steps:
  pause: {wait_for: [{event: Segment Entered, then: mark}], at_most: 2 days}
  mark: {set_trait: {plan: free}}
"""

TRAVEL = """
journey: travel
enter:
  - {event: Logged In, if: {trait: plan, is: free}, again: after leaving}
  - {event: Logged In, if: {trait: plan, is: paid}, again: after 3 days}
  - {event: Nudged, again: per by after leaving}
steps:
  more: {wait: 90 minutes}
  by: {branch: [{if: {entry: by, is: nurture}, then: move}], otherwise: day}
  move: {set_trait: {timezone: Asia/Tokyo}}
  day: {wait: 1 day}
  nine: {wait_until: {time: "09:00"}}
  mail: {send: {template: travel, purpose: transactional, go_on: true}}
  bye: {leave: seen}
"""

HOT = """
journey: hot
enter:
  - {event: Score Changed, where: {score: engagement, threshold: 12, rising: true}, again: after leaving}
  - {event: Score Changed, where: {score: lead, threshold: 5.5, rising: false}, again: after 1 day}
leave_if: {score: engagement, below: 2.5}
steps:
  pause:
    wait_for:
      - {if: {score: lead, group: habit, at_least: 9}, then: mark}
    at_most: 4 days
    otherwise: bye
  mark: {set_trait: {plan: paid}}
  bye: {leave: seen}
"""

STAGED = """
journey: staged
enter: [{event: Lifecycle Changed, where: {to: [MQL, SQL]}, again: after leaving}]
goal: {lifecycle: customer}
steps:
  pause: {wait: 30 hours}
  which: {branch: [{if: {lifecycle: [MQL, SQL]}, then: mail}], otherwise: bye}
  mail: {send: {template: staged, purpose: transactional}}
  bye: {leave: fell back}
"""

SCORES: tuple[dict[str, object], ...] = (
    {
        "score": "engagement",
        "half_life": "3 days",
        "at_most": 20,
        "points": [
            {"event": "Logged In", "points": 3, "at_most": 8},
            {"event": "Added", "where": {"value": {"above": 4}}, "points": 5},
            {"event": "Noise", "points": -2},
        ],
    },
    {
        "score": "lead",
        "groups": {
            "fit": {"points": [{"if": {"trait": "plan", "is": "paid"}, "points": 5}]},
            "habit": {
                "half_life": "30 hours",
                "points": [{"event": "Added", "points": 4}, {"if": {"in_segment": "keen"}, "points": 2}],
            },
        },
    },
)

LIFECYCLE = {
    "lifecycle": [
        "cold",
        {"MQL": {"if": {"score": "engagement", "at_least": 9}, "leave_below": 4}},
        {"SQL": {"if": {"all": [{"score": "lead", "above": 7}, {"performed": "Signed Up"}]}}},
        {"customer": {"if": {"performed": "Order Completed", "at_least": 3}, "stays": True}},
    ]
}

SEGMENTS = {
    "keen": {"performed": "Logged In", "at_least": 2, "within": "3 days"},
    "quiet": {"not": {"performed": "Added", "within": "50 hours"}},
    "ripe": {"all": [{"lifecycle": ["MQL", "SQL"]}, {"score": "lead", "at_least": 4}]},
    "buyers": {"all": [{"trait": "plan", "is": "paid"}, {"not": {"in_segment": "quiet"}}]},
}

POLICY = {
    "caps": [{"at_most": 2, "days": 1, "then": "hold"}],
    "quiet": [{"from": "22:00", "to": "07:30"}],
    "consent": {"transactional": "none"},
    "fallback_zone": "Europe/Berlin",
}


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


def catalogue() -> Catalogue:
    texts = (NURTURE, CART, CHAIN, BACK, GONE, TRAVEL, HOT, STAGED)
    offered = tuple(Offered(n, (Program(read_journey(text), n),)) for n, text in enumerate(texts, start=1))
    known = Definitions(
        {name: parse_rule(rule) for name, rule in SEGMENTS.items()},
        {one.name: one for one in map(scores.parse, SCORES)},
        lifecycle.parse(LIFECYCLE),
    )
    written = {f"segment {name}": Written(n, 1) for n, name in enumerate(sorted(SEGMENTS), start=1)}
    programs = [(offer.id, offer.newest.journey) for offer in offered]
    return Catalogue(
        journeys=offered,
        segments=known.named,
        stages=known.stages,
        followed=watched(known, programs, written),
        policy=parse(POLICY),
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
    events, published = history(seed, customers=len(EVERYBODY), events=1500), catalogue()
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
