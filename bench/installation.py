"""Makes the folder of an installation that has customers and a history at rest, as importing them would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from bench.data import DAYS, PLANS, START, VOCABULARY, synthetic
from sojourn.app import App, open_app, settings
from sojourn.lake.rows import Rows
from sojourn.lake.seal import seal
from sojourn.runtime.history import SEALED
from sojourn.store import customers, log, partitions, tables
from sojourn.store.definitions import journeys
from sojourn.store.files import lake_segments
from sojourn.store.log import Events, Offset
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Ints, Tape

IMPORTED = 3  # the origin of events
DAY = 86_400_000_000
RETURNED = 1000
"""Customers who have come back since, whom no tick has met yet."""
AT_ONCE = 1_000_000
"""Events of one range of the log: files are then as large as upkeep makes them by merging."""

JOURNEY = """
journey: welcome
enter: [{event: Product Added, again: after leaving}]
goal: {event: Order Completed, within: 60 days}
steps:
  pause: {wait: 2 days}
  active:
    branch: [{if: {performed: Page Viewed, at_least: 20}, then: hello}]
    otherwise: bye
  hello: {send: {template: hello, purpose: marketing}}
  listen: {wait_for: [{clicked: hello, then: bye}], at_most: 5 days, otherwise: bye}
  bye: {leave: done}
"""


def make(folder: Path, people: int, events: int) -> None:
    """So many customers and events, at rest until a day ago, and a live journey that reads many of them."""
    with open_app(settings(folder, environment={})) as app:
        app.database.write(lambda c: app.names.codes(c, VOCABULARY))
        known = _customers(app, people)
        tape = synthetic(people, events)
        now, last = app.database.now(), 0
        for rows in _rows(tape, known, now - START - (DAYS + 1) * DAY):
            segments = seal(app.history.folder, rows, last + 1, last + len(rows))
            app.database.write(partial(lake_segments.swap, new=segments))
            last += len(rows)
        app.database.write(lambda c: _passed(c, last, known[:RETURNED], now))
        app.database.write(lambda c: _published(c, now))


def _customers(app: App, people: int) -> Ints:
    """The ids of so many customers, who are made."""
    found = []
    for first in range(0, people, 20_000):
        those = [("user_id", f"user-{n}") for n in range(first, min(first + 20_000, people))]
        made = app.database.write(partial(customers.identify, identities=those, now=START))
        found.append(made.subjects)
    return np.concatenate(found)


def _rows(tape: Tape, known: Ints, later: int) -> Iterator[Rows]:
    """The events of the tape in the order in which they came, in ranges of the log, and so much later."""
    order = np.argsort(tape.received, kind="stable")
    owners = known[np.repeat(np.arange(len(known)), np.diff(tape.starts))]
    words, properties = np.array(tape.vocabulary, np.object_), _properties(tape)
    signed_up = tape.names == tape.codes["Signed Up"]
    for first in range(0, len(tape), AT_ONCE):
        those = order[first : first + AT_ONCE]
        positions = np.arange(first + 1, first + len(those) + 1)
        yield Rows(
            subject=owners[those],
            happened=tape.times[those] + later,
            received=tape.received[those] + later,
            position=positions,
            key=mix(positions, 1),
            run=np.zeros(len(those), np.int64),
            name=words[tape.names[those]].tolist(),
            origin=np.full(len(those), IMPORTED),
            properties=properties[those].tolist(),
            traits=[
                f'{{"plan":"{PLANS[n % len(PLANS)]}","age":{18 + n % 70}}}' if new else ""
                for n, new in zip(owners[those].tolist(), signed_up[those].tolist(), strict=True)
            ],
        )


def _properties(tape: Tape) -> Any:
    """A JSON object for each event: an amount of each order, else one of a thousand pages."""
    pages = np.array([f'{{"path":"/page/{n}","title":"Page {n}"}}' for n in range(1000)], np.object_)
    found = pages[np.arange(len(tape)) % len(pages)]
    amounts = tape.properties["amount"]
    found[amounts.positions] = [f'{{"amount":{number}}}' for number in amounts.numbers.tolist()]
    return found


def _passed(connection: Connection, last: int, back: Ints, now: int) -> None:
    """All that is at rest has been read by ticks; then some customers come back, whom none has met yet."""
    held = partitions.every(connection)
    reached = np.full(len(held), last)
    partitions.save(connection, replace(held, read_positions=reached, met=np.full(len(held), now - DAY)))
    log.advance(connection, SEALED, Offset(0, last), Offset())
    n = len(back)
    names = dict(connection.execute(sa.select(tables.names.c.name, tables.names.c.code)).all())
    log.append(
        connection,
        Events(
            partitions=back % PARTITIONS,
            subjects=back,
            keys=mix(back, 2),
            runs=np.zeros(n, np.int64),
            names=np.full(n, names["Product Added"]),
            happened=np.full(n, now),
            received=np.full(n, now),
            origins=np.full(n, 2),
            properties=["{}"] * n,
            traits=[""] * n,
        ),
    )
    # SQLite numbers the rows of an empty table from 1 again; these come after what is at rest.
    connection.execute(sa.update(tables.events).values(position=tables.events.c.position + last))


def _published(connection: Connection, now: int) -> None:
    journeys.create(connection, "welcome", JOURNEY, now)
    journeys.publish(connection, "welcome", JOURNEY, now)
