"""Times what an event costs where 200 journeys with 300 triggers are published, against one journey.

As many customers do as much in all cases: once all that may happen in one journey, once all of it in
one journey of 200, once spread over all 200.  The three take turns, so that a busy machine slows all
alike.  A tick costs so much a journey that takes part in it, so full ticks, as under load, are told
apart from small ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from sqlalchemy import Connection

from bench.databases import databases
from bench.row import Row, rounded, seconds
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message.policy import Policy
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import EVENTS_A_TICK, Live, Ticked
from sojourn.runtime.ticking.resident import Resident
from sojourn.runtime.ticking.worker import get_ready
from sojourn.store import log
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Ints

BAR = 2.0
JOURNEYS, TRIGGERS = 200, 300
ROUNDS = 4
BATCHES = {"full ticks": EVENTS_A_TICK, "ticks of 2,000 events": 2_000}
BEGIN = 1_772_000_000_000_000 // GRAIN * GRAIN

JOURNEY = """
journey: journey {number}
enter: [{triggers}]
steps:
  hello: {{send: {{template: hello, purpose: transactional}}}}
  pause: {{wait: 1 hour}}
  choice:
    branch: [{{if: {{performed: Logged In, within: 7 days}}, then: last}}]
    otherwise: more
  more: {{wait: 1 hour}}
  last: {{wait_for: [{{event: Added}}], at_most: 2 hours}}
"""


@dataclass
class Side:
    """One installation: which journeys are published, and which events come in."""

    journeys: int
    happening: int  # names of events, each triggering one journey
    seconds: float = 0.0


def measure(*, small: bool) -> list[Row]:
    """How many times the cost of an event with one journey it costs with 200."""
    get_ready()
    batches = {name: batch // 10 if small else batch for name, batch in BATCHES.items()}
    return [row for name, batch in batches.items() for row in _compared(name, batch)]


def _compared(ticks: str, batch: int) -> Iterator[Row]:
    sides = {"one": Side(1, 1), "in one of 200": Side(JOURNEYS, 1), "over all 200": Side(JOURNEYS, JOURNEYS)}
    with databases("sqlite") as fresh, ExitStack() as stack:
        places = {name: stack.enter_context(Installation(fresh(), side)) for name, side in sides.items()}
        for nth in range(ROUNDS + 1):
            for name, place in places.items():
                spent = place.seconds(np.arange(nth * batch + 1, (nth + 1) * batch + 1), nth)
                sides[name].seconds += spent if nth else 0.0  # the first loads what is loaded once
    one = sides.pop("one").seconds
    for name, side in sides.items():
        cost, ratio = rounded(side.seconds / batch / ROUNDS * 1e6), rounded(side.seconds / one)
        yield Row(f"200 journeys, {name}, {ticks}", cost, "µs/event", BAR, ratio, "one journey", less=True)


class Installation:
    """A database on which a tick plays the journeys of one side."""

    def __init__(self, url: str, side: Side) -> None:
        self._side, self._catalogue = side, _catalogue(side.journeys)
        self._database = Database.open(url, writers=1)
        names = Names(self._database.reading)
        self._names: Ints = self._database.write(lambda c: names.codes(c, _events()))
        self._live = Live(Resident(), names, tapes_of_log(names))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()

    def seconds(self, subjects: Ints, nth: int) -> float:
        """Let customers do something, and tick until nothing is left to do."""
        at = BEGIN + nth * 7_200_000_000  # all that was begun before has come due
        self._database.write(partial(log.append, batch=self._batch(subjects, at)))
        return seconds(partial(self._until_done, at + 1_000_000))

    def _until_done(self, now: int) -> None:
        while self._database.write(partial(self._tick, now=now)).held:
            pass

    def _tick(self, connection: Connection, now: int) -> Ticked:
        return self._live.tick(connection, self._catalogue, now)

    def _batch(self, subjects: Ints, at: int) -> log.Events:
        n, instants = len(subjects), np.full(len(subjects), at)
        return log.Events(
            partitions=subjects % PARTITIONS,
            subjects=subjects,
            keys=mix(subjects, at),
            runs=np.zeros(n, np.int64),
            names=self._names[subjects % self._side.happening],
            happened=instants,
            received=instants,
            origins=np.full(n, 2),
            properties=["{}"] * n,
            traits=[""] * n,
        )


def _events() -> Sequence[str]:
    return [f"Event {number:03}" for number in range(TRIGGERS)]


def _catalogue(journeys: int) -> Catalogue:
    """So many journeys; half of them have a second trigger."""
    offered = []
    for number in range(journeys):
        events = [number, JOURNEYS + number // 2] if number % 2 == 0 else [number]
        triggers = ", ".join(f"{{event: Event {event:03}}}" for event in events)
        journey = read_journey(JOURNEY.format(number=number, triggers=triggers))
        offered.append(Offered(number + 1, (Program(journey, number + 1),)))
    return Catalogue(tuple(offered), policy=Policy(otherwise="none"))
