"""People: what messages may say of customers, read from the log by the sender itself.

It cannot look at the tapes of a tick: those are in the middle of a transaction, of another process
perhaps, and after a start they are empty until something happens.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sojourn.lake.layout import Wanted
from sojourn.runtime.history import SEALED, History
from sojourn.runtime.ticking.resident import TRAITS, Resident
from sojourn.store import customers, log, partitions
from sojourn.store.database import Database
from sojourn.store.log import Logged
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.tape import Ints, Tape

CHUNK = 50_000
"""Events past which it looks in one go: those that carry traits take a fraction of a second."""


class People:
    """The events that carry traits: those at rest (none without `history`), and then those of the log.

    `of_log` makes a tape, by subject, of rows of the log.
    """

    def __init__(
        self, database: Database, of_log: Callable[[Logged], Tape], history: History | None = None
    ) -> None:
        self._database, self._of_log, self._history = database, of_log, history
        self._kept = Resident(TRAITS)
        self._followed = 0  # the newest position of the log at the last look

    def tape(self, those: Ints) -> Tape:
        """The traits of these customers (int64[m], strictly increasing), with all that is committed."""
        if self._history and self._missed():
            base = self._history.at_rest(Wanted(frozenset(), traits=True), TRAITS.trimmed)
            self._kept.begin(TRAITS, base.tapes, base.reached.read_xids, base.reached.read_positions)
            self._kept.move(*base.moved)
        self._follow()
        return self._kept.tape(those)

    def _missed(self) -> bool:
        """Whether events have come to rest that it has not read: the log may not hold them any more."""
        with self._database.reading() as connection:
            return log.offset(connection, SEALED).position > self._followed

    def _follow(self) -> None:
        kept, every = self._kept, np.arange(PARTITIONS)
        with self._database.reading() as connection:
            self._followed = log.newest(connection)
            kept.move(*customers.moved_since(connection, kept.moved))
            while True:
                zeros = np.zeros(PARTITIONS, np.int64)
                since = partitions.Held(every, kept.xids, kept.positions, zeros, zeros)
                until = partitions.reach(connection, since, CHUNK)
                if np.array_equal(until.read_positions, kept.positions):
                    return
                kept.add(self._of_log(partitions.news(connection, since, until, zeros[:0])))
                kept.xids, kept.positions = until.read_xids, until.read_positions
