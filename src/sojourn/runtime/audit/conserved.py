"""I3: who came is who waits, who went on and who left, by the counts that pages show and by the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.runtime.audit.reading import Reading, Violation
from sojourn.store.tables import NEVER, counts, runs, versions

Step = tuple[int, int]
"""Version and step; -1 is no step: where a run enters, completes or is held out."""


@dataclass(frozen=True)
class Counted:
    """What is counted of all versions, by one source."""

    entered: Counter[int] = field(default_factory=Counter)  # by version, those who came from others too
    visits: Counter[int] = field(default_factory=Counter)  # by journey: a run takes its hops along
    left: Counter[tuple[int, int, str]] = field(default_factory=Counter)  # by version, step and reason
    waiting: Counter[Step] = field(default_factory=Counter)


def conserved(reading: Reading) -> Iterator[Violation]:
    """Compares the counts with the runs, and each step's comings with its goings."""
    by_counts, by_runs = _by_counts(reading.connection), _by_runs(reading.connection)
    for what in ("entered", "visits", "left", "waiting"):
        counted, found = getattr(by_counts, what), getattr(by_runs, what)
        for key in sorted({*counted, *found}):
            if counted[key] != found[key]:
                version, step, *reason = key if isinstance(key, tuple) else (key, -1)
                told = f"{' '.join((what, *reason))}: counted {counted[key]}, by the runs {found[key]}"
                yield Violation("I3", reading.place(version, step), told)
    for version in sorted(by_counts.entered):
        inside = sum(n for (of, _), n in by_counts.waiting.items() if of == version)
        left = sum(n for (of, *_), n in by_counts.left.items() if of == version)
        if by_counts.entered[version] != inside + left:
            told = f"{by_counts.entered[version]} entered, {inside} are inside and {left} left"
            yield Violation("I3", reading.place(version, -1), told)


def _by_counts(connection: Connection) -> Counted:
    """Who waits on a step is who came less who went."""
    found = Counted()
    of = (versions.c.journey, counts.c.version, counts.c.step, counts.c.what, counts.c.name)
    kinds = sa.select(*of, sa.func.sum(counts.c.n)).join(versions, versions.c.id == counts.c.version)
    for journey, version, step, what, name, n in connection.execute(kinds.group_by(*of)):
        match what:
            case "entered" | "into":
                found.entered[version] += int(n)
            case "over":
                found.entered[version] -= int(n)
                found.waiting[version, step] -= int(n)
            case "visit":
                found.visits[journey] += int(n)
                found.waiting[version, step] += int(n)
            case "exit":
                found.waiting[version, step] -= int(n)
            case "left":
                found.left[version, step, name] += int(n)
                found.waiting[version, step] -= int(n) * (step >= 0)
    return found


def _by_runs(connection: Connection) -> Counted:
    found = Counted()
    inside = (runs.c.left == NEVER).label("inside")
    of = (runs.c.journey, runs.c.version, runs.c.step, runs.c.reason, inside)
    grouped = sa.select(*of, sa.func.count(), sa.func.sum(runs.c.hop)).group_by(*of)
    for journey, version, step, reason, is_inside, n, hops in connection.execute(grouped):
        found.entered[version] += n
        found.visits[journey] += int(hops)
        if is_inside:
            found.waiting[version, step] += n
        else:
            found.left[version, step, reason] += n
    return found
