"""Audits an installation: what its tables say of each other must agree, at every moment.

The invariants have the numbers under which they are promised:

I2   every message that was planned stands in the ledger once, and nothing else does
I3   visits = waiting + exits taken + left, entered = inside + left: by the counts and by the runs
I4   nothing that is due, unread or leased has been left lying
I5   nothing was begun after its recipient had withdrawn consent or the address was suppressed
I7   the marks on the tapes tell of the same runs and messages as the tables
I11  runs stand on steps that exist, in versions that somebody moves
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.runtime.audit.allowed import allowed
from sojourn.runtime.audit.conserved import conserved
from sojourn.runtime.audit.placed import placed
from sojourn.runtime.audit.prompt import prompt
from sojourn.runtime.audit.reading import PATIENCE, Reading, Violation
from sojourn.runtime.audit.told import told
from sojourn.runtime.history import History
from sojourn.store import effects
from sojourn.store.tables import NEVER, events, runs

CHECKS: tuple[Callable[[Reading], Iterator[Violation]], ...] = (conserved, placed, told, prompt, allowed)


@dataclass(frozen=True)
class Audit:
    """What was looked at, in figures, and what does not agree."""

    figures: dict[str, int]
    violations: tuple[Violation, ...]


def audit(history: History, seal: bytes, patience: int = PATIENCE) -> Audit:
    """All checks over one consistent reading; `seal` is what addresses are hashed with.

    What is late by less than `patience` microseconds is not late.
    """
    with history.database.reading() as connection:
        return examined(Reading(connection, history, seal, history.database.now(), patience))


def examined(reading: Reading) -> Audit:
    """All checks over a reading that the caller has opened."""
    violations = tuple(violation for check in CHECKS for violation in check(reading))
    return Audit(_figures(reading.connection), violations)


def _figures(connection: Connection) -> dict[str, int]:
    rows = {
        "events in the log": sa.select(sa.func.count()).select_from(events),
        "runs inside": sa.select(sa.func.count()).where(runs.c.left == NEVER),
        "runs left": sa.select(sa.func.count()).where(runs.c.left < NEVER),
    }
    states = {f"messages {state.name.lower()}": n for state, n in effects.counts(connection).items()}
    return {what: connection.scalar(chosen) or 0 for what, chosen in rows.items()} | states
