"""Plays the log of a simulation all at once, as a backtest does, and compares what that comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.journey.effects import Notice, Send
from sojourn.journey.play import Playing, play
from sojourn.journey.runs import Runs
from sojourn.journey.world import World
from sojourn.runtime.belonging.history import from_the_start
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.deciding import world_of
from sojourn.runtime.publishing.published import published
from sojourn.runtime.records import tapes_of_log
from sojourn.store import log
from sojourn.store.names import Names
from sojourn.store.tables import effects, runs

ALL = 1_000_000

Thing = tuple[Any, ...]


def differences(connection: Connection, names: Names, until: int) -> Iterator[str]:
    """Where what was lived differs from a play of everything at once: runs, marks and planned messages."""
    logged = log.read(connection, log.Offset(), ALL)
    ours = logged.origins == Origin.TICK
    lived = logged.take(np.flatnonzero(~ours))
    catalogue = published(connection)
    world = world_of(catalogue, tapes_of_log(names)(lived), kept=True)
    players = _played(catalogue, world, until)
    marks = logged.take(np.flatnonzero(ours))
    yield from _compared("runs", _stored_runs(connection), {run for one in players for run in _runs(one)})
    known = names.names(marks.names)
    called = [known[code] for code in marks.names.tolist()]
    stored_marks = set[Thing](zip(marks.received.tolist(), called, marks.keys.tolist(), strict=True))
    told = (zip(at.tolist(), repeat(batch.name), batch.keys.tolist()) for batch, at in world.told)
    yield from _compared("marks", stored_marks, {mark for batch in told for mark in batch})
    planned: set[Thing] = {(key,) for key in connection.scalars(sa.select(effects.c.key))}
    yield from _compared("messages", planned, {(key,) for one in players for key in _planned(one)})


def _played(catalogue: Catalogue, world: World, until: int) -> list[Playing]:
    none = np.empty(0, np.int64)
    after = np.zeros(len(world.tape.customers), np.int64)
    players = [
        Playing(offered.programs, world, after, until, Runs.empty(none, none))
        for offered in catalogue.journeys
    ]
    play([*from_the_start(catalogue.followed, world, until), *players], world, until)
    return players


def _stored_runs(connection: Connection) -> set[Thing]:
    columns = (runs.c.id, runs.c.step, runs.c.hop, runs.c.entered, runs.c.since, runs.c.due, runs.c.left)
    return {tuple(row) for row in connection.execute(sa.select(*columns, runs.c.reason))}


def _runs(player: Playing) -> set[Thing]:
    moved, reasons = player.changed(), (*player.newest.reasons, "")
    columns = (moved.ids, moved.steps, moved.hops, moved.entered, moved.since, moved.due, moved.left)
    named = [reasons[code] for code in moved.reasons.tolist()]
    return set(zip(*(column.tolist() for column in columns), named, strict=True))


def _planned(player: Playing) -> Sequence[int]:
    sends = [part for part in player.effects if isinstance(part.ask, Send | Notice) and part.reasons is None]
    return [key for part in sends for key in part.keys.tolist()]


def _compared(what: str, lived: set[Thing], played: set[Thing]) -> Iterator[str]:
    for where, only in (("lived", lived - played), ("in a backtest", played - lived)):
        if only:
            yield f"{len(only)} {what} only {where}, the first {min(only)}"
