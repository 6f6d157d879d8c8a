"""The live driver: one tick moves the runs of partitions that have work, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from sojourn.errors import Unavailable
from sojourn.ingest.event import Origin
from sojourn.journey.play import Playing, play
from sojourn.runtime.belated import belated
from sojourn.runtime.belonging.belonging import Belonging
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.deciding import world_of
from sojourn.runtime.ticking import written
from sojourn.runtime.ticking.portions import Portions
from sojourn.runtime.ticking.projected import project
from sojourn.runtime.ticking.resident import Kept, Resident
from sojourn.store import counts, customers, effects, log, partitions, runs
from sojourn.store.access import crash
from sojourn.store.access.rows import joined
from sojourn.store.counts import Counted
from sojourn.store.definitions.stamp import stamp
from sojourn.store.log import Logged
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS, Held
from sojourn.tape.distinct import distinct
from sojourn.tape.grain import GRAIN, apart
from sojourn.tape.tape import Bools, Ints, Tape

EVENTS_A_TICK = 20_000
"""Read at most so many events in one transaction; it then takes well under a second."""

RUNS_A_TICK = 20_000
"""Wake at most about so many runs by time in one transaction."""

MAX_LATE = 3_600_000_000
"""A wake that comes more than so many µs late is played at the present instant, not at its own."""

SILENT = (Origin.IMPORT, Origin.TICK)
"""Origins whose events wake nobody: imported history, and marks that a tick has played already."""


@dataclass(frozen=True)
class Ticked:
    """What one tick did; with no partition held there was nothing to do."""

    events: int = 0
    moved: int = 0
    planned: int = 0
    held: int = 0
    stale: bool = False  # nothing was done: other definitions hold by now


class Live:
    """The live driver of one process; `of_log` makes a tape, by subject, of rows of the log."""

    def __init__(
        self,
        resident: Resident,
        names: Names,
        of_log: Callable[[Logged], Tape],
        at_once: int = PARTITIONS,
        max_late: int = MAX_LATE,
    ) -> None:
        self.resident, self.names = resident, names
        self._of_log, self._at_once, self._max_late = of_log, at_once, max_late

    def tick(self, connection: Connection, catalogue: Catalogue, now: int) -> Ticked:
        """Take what has come in and come due in free partitions up to `now`, and write what becomes of it."""
        # Each process looks once at every partition for segments that are new to it: to ask for that in the
        # table would be to wait for other ticks while this one holds what they want.
        unasked = np.flatnonzero(self.resident.fingerprints != catalogue.fingerprint)
        held = partitions.lock(connection, now, self._at_once, unasked)
        if not len(held):
            return Ticked()
        if stamp(connection) != catalogue.stamp:
            return Ticked(stale=True)
        news, held = self._news(connection, held, catalogue)
        self.resident.fingerprints[held.ids] = catalogue.fingerprint
        # The last instant of a grain: the marks of what it brings stand before it, the next event after it.
        until = max(now // GRAIN * GRAIN, int(news.received.max(initial=0)) + GRAIN) - 1
        due = runs.due(connection, held.ids, until, RUNS_A_TICK)
        belonging = Belonging(connection, catalogue, held, until, self.resident)
        stirring = np.flatnonzero(self._stirring(news, catalogue))
        stirred = self.resident.merged.customers_of(news.subjects[stirring])
        late = belated(connection, catalogue, news, stirring, stirred, self.names)
        counts.count(connection, int(held.ids[0]), late)
        customers = distinct(stirred, due, belonging.concerned(news, self.names))
        moved = planned = 0
        if len(customers):
            turn = Turn(connection, catalogue, customers, self.resident.tape(customers), held, until)
            triggered = self._triggered(catalogue, news.names[stirring])
            turn.play(connection, triggered, until - self._max_late, belonging)
            moved, planned = turn.write(connection, self.names)
            if not turn.heard_itself():
                held = partitions.past_own(connection, held, sum(len(marks) for marks, _ in turn.world.told))
                self.resident.positions[held.ids] = held.read_positions
        due = np.minimum(runs.next_due(connection, held.ids), belonging.write())
        partitions.save(connection, replace(held, met=np.maximum(held.met, until), due=due))
        crash.point("within a tick")
        return Ticked(len(news), moved, planned, len(held))

    def _news(self, connection: Connection, held: Held, catalogue: Catalogue) -> tuple[Logged, Held]:
        """The events that somebody reads and no tick has met yet, and the offsets after them."""
        resident, ids = self.resident, held.ids
        resident.keep(Kept.of(catalogue))
        wanted = self.names.codes(connection, sorted(catalogue.heard))
        self.catch_up(connection, held, wanted)
        reached = partitions.reach(connection, held, EVENTS_A_TICK)
        rows = partitions.news(connection, held, reached, None if catalogue.holds_of_strangers else wanted)
        resident.move(*customers.moved_since(connection, resident.moved))
        rows = self._stamped(connection, self._at_home(connection, rows, held), held)
        heard = np.isin(rows.names, wanted) | np.array([bool(text) for text in rows.traits], np.bool_)
        resident.add(self._of_log(rows.take(np.flatnonzero(heard))))
        resident.xids[ids], resident.positions[ids] = reached.read_xids, reached.read_positions
        return rows, reached

    def catch_up(self, connection: Connection, held: Held, wanted: Ints) -> None:
        """Lay on the resident tapes what others have met meanwhile, of events with these names (codes).

        Raises Unavailable where the tapes are ahead: what they hold was never committed.
        """
        resident, ids = self.resident, held.ids
        while True:
            since = replace(held, read_xids=resident.xids[ids], read_positions=resident.positions[ids])
            if partitions.before(held, since).any():
                raise Unavailable("a tick was rolled back, so its tapes have to be read again")
            if not partitions.before(since, held).any():
                return
            until = partitions.earlier(partitions.reach(connection, since, EVENTS_A_TICK), held)
            resident.add(self._of_log(partitions.news(connection, since, until, wanted)))
            resident.xids[ids], resident.positions[ids] = until.read_xids, until.read_positions

    def _at_home(self, connection: Connection, rows: Logged, held: Held) -> Logged:
        """Those of the rows that are of customers of the held partitions; the others, whose customers were
        merged meanwhile, are handed on."""
        owners = self.resident.merged.customers_of(rows.subjects) % PARTITIONS
        home = np.isin(owners, held.ids)
        if home.all():
            return rows
        log.move(connection, rows.positions[~home], owners[~home])
        return rows.take(np.flatnonzero(home))

    def _stamped(self, connection: Connection, rows: Logged, held: Held) -> Logged:
        """The rows, the loud ones met after all that was met before and a grain apart."""
        index = np.flatnonzero(~np.isin(rows.origins, SILENT))
        if not len(index):
            return rows
        owners = self.resident.merged.customers_of(rows.subjects[index])
        met = held.met[np.searchsorted(held.ids, owners % PARTITIONS)]
        stamps = apart(owners, np.maximum(rows.received[index], met + 1))
        changed = stamps != rows.received[index]
        if changed.any():
            log.restamp(connection, rows.positions[index[changed]], stamps[changed])
        received = rows.received.copy()
        received[index] = stamps
        return replace(rows, received=received)

    def _stirring(self, news: Logged, catalogue: Catalogue) -> Bools:
        """Which of the news may make somebody enter or move."""
        named = self._codes_of(news, catalogue.stirring)
        if catalogue.stirred_by_traits:
            named |= np.array([bool(text) for text in news.traits], np.bool_)
        return named & ~np.isin(news.origins, SILENT)

    def _codes_of(self, news: Logged, wanted: frozenset[str]) -> Bools:
        names = self.names.names(news.names)
        return np.isin(news.names, [code for code, name in names.items() if name in wanted])

    def _triggered(self, catalogue: Catalogue, codes: Ints) -> list[Offered]:
        """The journeys that events of these names may start, or that others may by what they emit."""
        names = set(self.names.names(codes).values()) | catalogue.emitted
        found = {id(offered): offered for name in names for offered in catalogue.triggered_by(name)}
        return list(found.values())


class Turn:
    """What one tick does for some customers: the journeys they are in or may enter, played to an instant."""

    def __init__(
        self,
        connection: Connection,
        catalogue: Catalogue,
        customers: Ints,
        tape: Tape,
        held: Held,
        until: int,
    ) -> None:
        self.catalogue, self.customers, self.held, self.until = catalogue, customers, held, until
        portions = Portions(connection)
        self.world = world_of(catalogue, tape, kept=True, allot=portions.allot, pace=portions.pace)
        self.after = held.met[np.searchsorted(held.ids, customers % PARTITIONS)]
        self.players: list[tuple[Offered, Playing, Ints]] = []

    def play(
        self, connection: Connection, triggered: list[Offered], too_late: int, belonging: Belonging
    ) -> None:
        """Load where the customers stand and advance them; what was due before `too_late` comes due now."""
        open_to = {offered.id for offered in triggered if offered.open}
        stored = self._at_least(runs.standing(connection, self.customers, sorted(open_to)), too_late)
        # Whoever's wake had to wait for a tick with room was not played since.
        playing = stored.take(np.flatnonzero(np.isin(stored.journeys, self.catalogue.numbers)))
        np.minimum.at(self.after, np.searchsorted(self.customers, playing.customers), playing.due - 1)
        staying = np.searchsorted(self.customers, stored.customers[stored.left > self.until])
        np.add.at(self.world.inside, staying, 1)
        following = belonging.players(self.world, self.after)
        for offered in self.catalogue.journeys:
            mine = stored.take(np.flatnonzero(stored.journeys == offered.id))
            if offered.id in open_to or len(mine):
                known = written.journey_runs(mine, self.customers)
                player = Playing(offered.programs, self.world, self.after, self.until, known)
                self.players.append((offered, player, known.ids))
        play([*following, *(player for _, player, _ in self.players)], self.world, self.until)

    def _at_least(self, stored: runs.Runs, too_late: int) -> runs.Runs:
        late = (stored.due < too_late) & (stored.left > self.until)
        due = np.where(late, self.until // GRAIN * GRAIN, stored.due)
        arriving = late & (stored.since == stored.due)  # they were moved there, and arrive when they wake
        return replace(stored, due=due, since=np.where(arriving, due, stored.since))

    def heard_itself(self) -> bool:
        """Whether tapes must hear of what it told, so that the next tick has to read it."""
        heard = self.catalogue.heard
        return any(marks.name in heard or marks.carried for marks, _ in self.world.told)

    def write(self, connection: Connection, names: Names) -> tuple[int, int]:
        """Write runs, counts, ledger and marks; how many runs moved, and how many sends were planned."""
        moved, planned, counted = list[runs.Runs](), list[effects.Planned](), dict[Counted, int]()
        for offered, player, _ in self.players:
            moved.append(written.stored_runs(player.changed(), offered, self.customers))
            planned += written.planned(player, offered, self.catalogue, self.customers)
            counted |= written.counted(player)
        if moved:
            self._write_runs(connection, joined(moved))
        if planned:
            effects.plan(connection, joined(planned))
        counts.count(connection, int(self.held.ids[0]), counted)
        project(connection, self.world.told, self.customers)
        marks = written.logged(self.world.told, self.customers, lambda told: names.codes(connection, told))
        if marks is not None:
            log.append(connection, marks)
        return sum(map(len, moved)), sum(map(len, planned))

    def _write_runs(self, connection: Connection, moved: runs.Runs) -> None:
        new = ~np.isin(moved.ids, np.concatenate([known for _, _, known in self.players]))
        runs.enter(connection, moved if new.all() else moved.take(np.flatnonzero(new)))
        runs.save(connection, moved.take(np.flatnonzero(~new)) if new.any() else moved)
