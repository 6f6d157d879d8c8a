"""Pauses journeys and resumes them: nobody enters, moves or is written to meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from sqlalchemy import Connection

from sojourn.errors import Conflict, Invalid
from sojourn.journey.text import read_journey
from sojourn.store import effects, partitions, runs
from sojourn.store.definitions import journeys
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN, on_grain

KEEP_COUNTING = "keep counting"

Waits = Literal["keep counting", "stop the clock", "restart"]
"""What the pause was for those who waited: time like any other, none at all, or a new beginning."""


def pause(connection: Connection, name: str, now: int) -> None:
    """Let a live journey rest.  Raises Conflict if it is not live."""
    if journeys.find(connection, name).state != "live":
        raise Conflict(f"journey {name!r} is not live")
    _rest(connection, name, "paused", now)


def archive(connection: Connection, name: str, now: int) -> None:
    """Let a journey rest for good, and be out of sight."""
    _rest(connection, name, "archived", now)


def resume(connection: Connection, name: str, waits: str, now: int) -> None:
    """Let a paused journey go on; by `waits` each step says anew how long its runs have to wait.

    Steps that wait for something keep counting, whatever `waits` says, as it may have come meanwhile.

    Raises Conflict if it is not paused, Invalid for a policy that is none.
    """
    journey = journeys.find(connection, name)
    if journey.state not in ("paused", "archived"):
        raise Conflict(f"journey {name!r} is not paused")
    if waits not in get_args(Waits):
        raise Invalid(f"must be one of {', '.join(get_args(Waits))}, not {waits!r}", place="waits")
    held = partitions.lock_these(connection, np.arange(PARTITIONS))
    wake = int(on_grain(np.array([max(now, int(held.met.max()) + 1)]))[0])
    span = (now - journey.paused) // GRAIN * GRAIN
    shift = {"keep counting": 0, "stop the clock": span, "restart": None}[waits]
    for version in journeys.of_journey(connection, journey.id):
        steps = list(enumerate(placed.step for placed in read_journey(version.text).steps))
        keeping = [code for code, step in steps if step.awaits()]
        anew = [code for code, step in steps if step.paced()]
        runs.wake(connection, version.id, wake, shift, keeping=keeping, anew=anew)
    effects.wake(connection, journey.id, now)
    journeys.set_state(connection, name, "live", now)
    partitions.save(connection, replace(held, due=np.minimum(held.due, now)))


def _rest(connection: Connection, name: str, state: str, now: int) -> None:
    journey = journeys.find(connection, name)
    partitions.lock_these(connection, np.arange(PARTITIONS))
    journeys.set_state(connection, name, state, now)
    runs.rest(connection, journey.id)
    effects.rest(connection, journey.id)
