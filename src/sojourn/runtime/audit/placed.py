"""I11: runs stand on steps that exist, in versions that somebody moves."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from sojourn.runtime.audit.reading import Reading, Violation
from sojourn.store.definitions import journeys
from sojourn.store.tables import NEVER, runs


def placed(reading: Reading) -> Iterator[Violation]:
    """Looks up where everybody stands."""
    moved = {version.id for version in journeys.in_use(reading.connection)}
    standing = sa.select(runs.c.version, runs.c.step, sa.func.count()).where(runs.c.left == NEVER)
    for version, step, n in reading.connection.execute(standing.group_by(runs.c.version, runs.c.step)):
        program = reading.programs.get(version)
        if program is None or not 0 <= step < len(program.placed):
            yield Violation(
                "I11", reading.place(version, step), f"{n} runs stand on step {step}: there is none"
            )
        elif version not in moved:
            yield Violation(
                "I11", reading.place(version, step), f"nobody moves the {n} runs that stand there"
            )
