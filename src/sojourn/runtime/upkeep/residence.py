"""Keeps the resident tapes of a process fit for ticks: begun from the lake, caught up, and not too many."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from sojourn.lake.layout import Wanted
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.history import History
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Kept
from sojourn.runtime.upkeep.memory import give_back, lean
from sojourn.store import partitions
from sojourn.tape.tape import Ints

MOST_FRESH = 500_000
"""Events above the base; past it we begin anew, as in the lake they take half of the memory."""

SELDOM = 600.0
"""Seconds after which partitions that others tick are caught up with: the log does not keep rows for ever."""

MARGIN = 2 * 86_400_000_000
"""Microseconds for which events are kept beyond the reach of rules: wakes may come late."""


class Residence:
    """Called between ticks, outside of any transaction: what it reads takes seconds."""

    def __init__(self, history: History, live: Live) -> None:
        lean()
        self._history, self._live = history, live
        self._caught_up, self._most = 0.0, 0

    def __call__(self, catalogue: Catalogue) -> None:
        """Have the tapes hold all that the catalogue needs.  Raises Unavailable."""
        resident, kept = self._live.resident, Kept.of(catalogue)
        if not resident.begun or not resident.kept.covers(kept) or resident.fresh > self._most:
            self._begin(kept)
            give_back()
            self._most = resident.fresh + MOST_FRESH
        elif monotonic() - self._caught_up > SELDOM:
            self._catch_up(kept.names)

    def _begin(self, kept: Kept) -> None:
        resident, database = self._live.resident, self._history.database
        resident.clear()  # before the new ones are read, as there is no room for both
        since = None if kept.reach is None else database.now() - kept.reach - MARGIN
        wanted = Wanted(kept.names, since, keys=kept.keys, runs=kept.runs, always=kept.always, traits=True)
        base = self._history.at_rest(wanted, kept.trimmed)
        resident.begin(kept, base.tapes, base.reached.read_xids, base.reached.read_positions)
        resident.move(*base.moved)
        self._catch_up(kept.names)

    def _catch_up(self, names: Iterable[str]) -> None:
        history = self._history
        codes: Ints = history.database.write(lambda c: history.names.codes(c, sorted(names)))
        with history.database.reading() as connection:
            self._live.catch_up(connection, partitions.every(connection), codes)
        self._caught_up = monotonic()
