"""Counts events that reached us after the place was left at which they would have been heard (P18)."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from sojourn.journey.program import Program
from sojourn.rule.needs import needs
from sojourn.runtime.catalogue import Catalogue
from sojourn.store import runs
from sojourn.store.counts import Counted
from sojourn.store.log import Logged
from sojourn.store.names import Names
from sojourn.store.runs import Runs
from sojourn.tape.distinct import distinct
from sojourn.tape.tape import NEVER, Bools, Ints

LATE = "late"
"""What such events are counted as, by version and their names, on no step."""

ON_THE_WAY = 60_000_000
"""Microseconds that an event may take to us without being looked at: apps send theirs every half a minute."""


def belated(
    connection: Connection, catalogue: Catalogue, news: Logged, stirring: Ints, owners: Ints, names: Names
) -> dict[Counted, int]:
    """Which of the news came too late for their customers' runs, as these stand before them.

    An event is late for a run that waited for its name somewhere when it happened, and had gone on or left
    when it was received.  `stirring` are the rows of those that may move anybody, int64[k], and
    `owners` whose they are, int64[k].
    """
    slow = (news.received - news.happened)[stirring] > ON_THE_WAY
    if not slow.any():
        return {}
    stirring, owners = stirring[slow], owners[slow]
    known = runs.of_customers(connection, distinct(owners), inside=False)
    events, places = _pairs(owners, known)
    news, known = news.take(stirring[events]), known.take(places)
    late, told = _gone_on(news, known), names.names(news.names)
    found: dict[Counted, int] = {}
    kinds = np.stack((known.versions, np.where(known.left < NEVER, -1, known.steps), news.names))[:, late]
    for (version, step, code), n in zip(*(one.tolist() for one in _counted(kinds)), strict=True):
        if _waits(catalogue, version, step, told.get(code, "")):
            key = version, -1, LATE, told[code]
            found[key] = found.get(key, 0) + n
    return found


def _pairs(owners: Ints, known: Runs) -> tuple[Ints, Ints]:
    """Each of the events with each run of its customer: places of both, int64[p]."""
    order = np.argsort(known.customers, kind="stable")
    first = np.searchsorted(known.customers, owners, "left", sorter=order)
    counts = np.searchsorted(known.customers, owners, "right", sorter=order) - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(owners)), counts), order[np.repeat(first, counts) + within]


def _gone_on(news: Logged, known: Runs) -> Bools:
    """Whether each run was inside when its event happened, and is not any more where it was then."""
    gone_on = np.where(known.left < NEVER, known.left, known.since)
    found: Bools = (known.entered <= news.happened) & (news.happened < gone_on) & (gone_on <= news.received)
    return found


def _counted(kinds: Ints) -> tuple[Ints, Ints]:
    """The distinct columns of int64[3, p], as rows, and how often each stands there."""
    found, n = np.unique(kinds, axis=1, return_counts=True)
    return found.T, n


def _waits(catalogue: Catalogue, version: int, step: int, name: str) -> bool:
    """Whether a version waits for the event, and not on the step where the run is: there it is heard yet."""
    programs = (program for offered in catalogue.journeys for program in offered.programs)
    program = next((one for one in programs if one.version == version), None)
    if program is None:
        return False
    return name in _awaited(catalogue, program) - (_awaited(catalogue, program, step) if step >= 0 else set())


def _awaited(catalogue: Catalogue, program: Program, step: int | None = None) -> set[str]:
    """The names of events for which a version waits on a step, or on any."""
    chosen = program.awaits if step is None else (program.awaits[step],)
    rules = [rule for some in chosen for rule in some]
    return {name for rule in rules for name in needs(rule, catalogue.segments).events}
