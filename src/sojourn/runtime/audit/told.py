"""I2, I7: what the tapes tell of runs and messages is what the runs and the ledger hold, each thing once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sqlalchemy as sa

from sojourn.lake.layout import Wanted
from sojourn.lake.read import load
from sojourn.runtime.audit.reading import Reading, Violation
from sojourn.runtime.history import SEALED, segments
from sojourn.store import log
from sojourn.store.effects import MESSAGE, State
from sojourn.store.tables import NEVER, effects, events, messages, names, runs
from sojourn.tape.tape import Ints

ENTERED, LEFT, PLANNED = "Journey Entered", "Journey Left", "Message Planned"

_BEGUN = (State.SENDING, State.ACCEPTED, State.UNKNOWN, State.DELIVERED, State.BOUNCED, State.COMPLAINED)


def told(reading: Reading) -> Iterator[Violation]:
    """Compares the marks with the tables by their keys, 8 bytes a mark; finds states that cannot be."""
    marks = _marks(reading)
    entered = reading.columns(sa.select(runs.c.id))[:, 0]
    gone = reading.columns(sa.select(runs.c.id).where(runs.c.left < NEVER))[:, 0]
    messages_of_runs = (effects.c.run != 0) & (effects.c.kind == MESSAGE)
    planned = reading.columns(sa.select(effects.c.key).where(messages_of_runs))[:, 0]
    yield from _compared("I7", ENTERED, marks[ENTERED], "runs", entered)
    yield from _compared("I7", LEFT, marks[LEFT], "runs that left", gone)
    yield from _compared("I2", PLANNED, marks[PLANNED], "effects in the ledger", planned)
    yield from _impossible(reading)


def _marks(reading: Reading) -> dict[str, Ints]:
    """By name: the runs that marks are about, or the effects; those at rest and those of the log."""
    connection, sealed = reading.connection, log.offset(reading.connection, SEALED)
    resting = load(
        reading.history.folder, segments(connection), wanted=Wanted(frozenset((ENTERED, LEFT, PLANNED)))
    )
    beyond = sa.tuple_(events.c.xid, events.c.position) > sa.tuple_(sealed.xid, sealed.position)
    of_log = sa.select(events.c.run, events.c.key).join(names, names.c.code == events.c.name).where(beyond)
    found = {}
    for name in (ENTERED, LEFT, PLANNED):
        about = resting.names == resting.codes.get(name, -1)
        rows = reading.columns(of_log.where(names.c.name == name))
        kept = resting.keys if name == PLANNED else resting.runs
        found[name] = np.append(kept[about], rows[:, int(name == PLANNED)])
    return found


def _compared(invariant: str, name: str, marks: Ints, what: str, stored: Ints) -> Iterator[Violation]:
    once, times = np.unique(marks, return_counts=True)
    for finding, keys in (
        ("told more than once", once[times > 1]),
        (f"told, but not among the {what}", np.setdiff1d(once, stored)),
        (f"among the {what}, but not told", np.setdiff1d(stored, once)),
    ):
        if len(keys):
            shown = ", ".join(f"{key:016x}" for key in keys[:3].tolist())
            yield Violation(invariant, name, f"{len(keys)} {finding}: {shown}")


def _impossible(reading: Reading) -> Iterator[Violation]:
    begun = effects.c.state.in_([int(state) for state in _BEGUN])
    frozen = sa.exists().where(messages.c.effect == effects.c.key)
    for finding, where in (
        ("were sent without an intent", begun & ((effects.c.attempts == 0) | (effects.c.intended == 0))),
        ("were sent, and nobody knows what they said", begun & ~frozen),
    ):
        n = reading.connection.scalar(sa.select(sa.func.count()).select_from(effects).where(where))
        if n:
            yield Violation("I2", "ledger", f"{n} effects {finding}")
