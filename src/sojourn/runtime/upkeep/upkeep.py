"""Upkeep: brings the log to rest, merges what is at rest, and removes what nobody needs any more."""

from __future__ import annotations

import threading
from functools import partial
from time import monotonic

import structlog

from sojourn.errors import Conflict, Unavailable
from sojourn.lake import merge
from sojourn.lake.segment import Segment
from sojourn.runtime.history import SEALED, History, segments
from sojourn.runtime.proving import experiments
from sojourn.runtime.upkeep.memory import give_back
from sojourn.runtime.upkeep.reminders import remind
from sojourn.store import log, tasks
from sojourn.store.files import lake_segments

EVERY = 10.0
"""Seconds between two looks at how much has come in; a look asks for two numbers."""

ENOUGH = 50_000
"""Rows that are brought to rest together: they take a second, and questions read as many beside the lake."""

LONGEST = 3600.0
"""Seconds after which fewer are brought to rest as well."""

REMEMBERED = 30 * 86_400_000_000
"""Microseconds for which rows stay in the log: so long a repeat of an event is known as one (P2)."""

STRAY = 86_400_000_000
"""Microseconds after which a file that no list names is the remains of a kill."""

logger = structlog.get_logger()


class Upkeep:
    """Looks after the log and the lake of one installation, in a thread of its own.

    Several processes may do so: whoever comes second finds its work done, and leaves it.
    """

    def __init__(self, history: History, enough: int = ENOUGH) -> None:
        self._history, self._enough = history, enough
        self._sealed_at = self._tidied_at = float("-inf")
        self._replaced: list[Segment] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def round(self) -> None:
        """Do whatever is due now; nothing where the disk has no room for files."""
        if self._history.database.full:
            return
        self._remind()
        self._seal()
        self._merge()
        if monotonic() - self._tidied_at > LONGEST:
            self._tidied_at = monotonic()
            self._sweep()
            self._prune()
            experiments.decide_all(self._history)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.round()
            except (Unavailable, Conflict) as error:
                logger.warning("upkeep put off", why=str(error))
            except Exception:
                # Nothing is lost by it: what is not at rest stays in the log, and the next round tries again.
                logger.exception("upkeep failed")

    def _remind(self) -> None:
        history = self._history
        with history.database.reading() as connection:
            if not tasks.late(connection, history.database.now()):
                return
        history.database.write(lambda connection: remind(connection, history.names, history.database.now()))

    def _seal(self) -> None:
        """Bring the log to rest, chunk by chunk, as soon as it is worth a file, or seldom."""
        late = monotonic() - self._sealed_at > LONGEST
        least = 1 if late else self._enough
        while not self._stop.is_set() and self._history.unsealed() >= least:
            if not self._history.seal(min(least, self._enough // 4), self._enough):
                return  # ticks have yet to read it
            self._sealed_at = monotonic()
            give_back()

    def _merge(self) -> None:
        """Merge what is due; the files that were merged a round ago go, as nobody reads them any more."""
        for gone in self._replaced:
            self._history.folder.remove(gone.name)
        self._replaced = []
        database = self._history.database
        while not self._stop.is_set():
            with database.reading() as connection:
                groups = merge.due(segments(connection))
            for group in groups:
                self._replace(group)
            if not groups:
                return

    def _replace(self, group: tuple[Segment, ...]) -> None:
        merged = merge.merge(self._history.folder, group)
        names = [segment.name for segment in group]
        self._history.database.write(lambda connection: lake_segments.swap(connection, [merged], names))
        self._replaced += group

    def _sweep(self) -> None:
        database = self._history.database
        with database.reading() as connection:
            listed = frozenset(segment.name for segment in segments(connection))
        kept = listed | {segment.name for segment in self._replaced}
        self._history.folder.sweep(kept, database.now() - STRAY)

    def _prune(self) -> None:
        """Delete old rows that were at rest already when this was last done, so that whoever follows the
        log has had the time to read them."""
        database = self._history.database
        with database.reading() as connection:
            sealed, ripe = log.offset(connection, SEALED), log.offset(connection, "ripe")
        before = database.now() - REMEMBERED
        past = 0
        while not self._stop.is_set():
            past = database.write(partial(log.prune, sealed=ripe, before=before, past=past))
            if not past:
                break
        database.write(lambda connection: log.advance(connection, "ripe", sealed))
