"""The register: who belongs to what in the partitions that a tick holds, read and written in bulk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from sojourn.customer.segments import Membership
from sojourn.runtime.belonging import bitmap
from sojourn.runtime.belonging.watched import Followed
from sojourn.store.definitions import segments
from sojourn.store.partitions import PARTITIONS, Held
from sojourn.tape.grain import on_grain
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Ints


@dataclass
class Place:
    """One segment in one partition, while a tick moves it."""

    stored: segments.Membership  # as it was read
    members: bytes
    version: int
    followed: bool  # not so while a new segment waits for its turn
    begins: int = 0  # the instant at which customers are first asked, 0 if they have been
    due: int = int(NEVER)  # when everybody is asked; NEVER if only those who did something are
    ahead: int = int(NEVER)  # the earliest instant found at which somebody is to be asked again

    def now(self) -> segments.Membership:
        """What is to be stored."""
        still = self.stored.horizon if self.due == NEVER else NEVER
        return segments.Membership(self.members, self.version, int(min(self.ahead, still)))


class Register:
    """The places of all segments in the held partitions, each opened when it is first looked at.

    `fresh` are the partitions in which new segments may begin.
    """

    def __init__(
        self, connection: Connection, followed: tuple[Followed, ...], held: Held, until: int, fresh: Ints
    ) -> None:
        self._connection, self._followed, self._held, self._until = connection, followed, held, until
        self._fresh = frozenset(fresh.tolist())
        self._places: dict[tuple[int, int], Place] = {}

    def open(self, partitions: Ints) -> None:
        """Read the places of these partitions."""
        closed = partitions[[(segments.ALL, one) not in self._places for one in partitions.tolist()]]
        if not len(closed):
            return
        stored = segments.membership(self._connection, closed)
        for partition in closed.tolist():
            known = stored.get((segments.ALL, partition), _NOTHING)
            self._places[segments.ALL, partition] = Place(known, known.members, known.version, followed=False)
            for segment in self._followed:
                key = segment.id, partition
                self._places[key] = self._place(segment, partition, stored.get(key, _NOTHING))

    def place(self, segment: Followed, partition: int) -> Place:
        """The place of a segment in an open partition."""
        return self._places[segment.id, partition]

    def start(self, segment: Followed, customers: Ints, after: Ints) -> tuple[Membership, Bools]:
        """Where customers of open partitions, known until `after`, stand, and which are followed at all."""
        n, owners = len(customers), customers % PARTITIONS
        members, followed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        seen, due = after.copy(), np.full(n, NEVER)
        for partition in np.unique(owners).tolist():
            mine, place = owners == partition, self.place(segment, partition)
            followed[mine], due[mine] = place.followed, place.due
            members[mine] = bitmap.holds(place.members, customers[mine])
            if place.begins:
                seen[mine] = place.begins - 1
        seen[~followed] = self._until
        return Membership(members, seen, due), followed

    def begins(self, track: Followed, customers: Ints) -> Ints:
        """When customers of open partitions are first asked about it, int64[m]; LONG_AGO if they were."""
        owners, found = customers % PARTITIONS, np.full(len(customers), LONG_AGO)
        for partition in np.unique(owners).tolist():
            if begins := self.place(track, partition).begins:
                found[owners == partition] = begins
        return found

    def known(self, customers: Ints) -> Bools:
        """Which customers of open partitions were ever asked, bool[m]."""
        found, owners = np.zeros(len(customers), np.bool_), customers % PARTITIONS
        for partition in np.unique(owners).tolist():
            mine = owners == partition
            found[mine] = bitmap.holds(self._places[segments.ALL, partition].members, customers[mine])
        return found

    def meet(self, customers: Ints) -> None:
        """Take down that customers (m different ones, of open partitions) are asked."""
        owners = customers % PARTITIONS
        for partition in np.unique(owners).tolist():
            mine, place = customers[owners == partition], self._places[segments.ALL, partition]
            place.members = bitmap.changed(place.members, mine, np.ones(len(mine), np.bool_))

    def end(self, segment: Followed, customers: Ints, before: Membership, now: Membership) -> None:
        """Take down where customers, all of followed places, have come to."""
        owners, crossed = customers % PARTITIONS, before.members != now.members
        for partition in np.unique(owners).tolist():
            mine, place = owners == partition, self.place(segment, partition)
            moved = mine & crossed
            place.members = bitmap.changed(place.members, customers[moved], now.members[moved])
            place.ahead = min(place.ahead, int(now.due[mine].min()))

    def write(self, fingerprint: int) -> dict[int, segments.Membership]:
        """Write what has changed; fresh partitions have all segments of this fingerprint now.

        Answers the summary of all segments of each open partition.
        """
        for partition in {partition for _, partition in self._places}:
            summary = self._places[segments.ALL, partition]
            mine = [self.place(segment, partition).now() for segment in self._followed]
            summary.ahead = min((one.horizon for one in mine), default=int(NEVER))
            summary.due = 0  # what it said of horizons holds no more
            if partition in self._fresh:
                summary.version = fingerprint
        for partition in self._fresh:
            segments.forget(self._connection, partition, {one.id for one in self._followed})
        now = {key: place.now() for key, place in self._places.items()}
        changed = {key: one for key, one in now.items() if one != self._places[key].stored}
        segments.set_membership(self._connection, changed)
        return {partition: one for (segment, partition), one in now.items() if segment == segments.ALL}

    def _place(self, segment: Followed, partition: int, stored: segments.Membership) -> Place:
        met = int(self._held.met[np.searchsorted(self._held.ids, partition)])
        earliest = _on_grain(met + 1)
        if stored.version == segment.version:
            place = Place(stored, stored.members, stored.version, followed=True)
            if stored.horizon <= self._until:
                place.due = min(max(stored.horizon, earliest), self._until)
            return place
        if partition not in self._fresh:
            return Place(stored, stored.members, stored.version, followed=False)
        begins = min(max(_on_grain(segment.since), earliest), self._until)
        return Place(stored, stored.members, segment.version, followed=True, begins=begins, due=begins)


def _on_grain(instant: int) -> int:
    return int(on_grain(np.array([instant]))[0])


_NOTHING = segments.Membership(b"", 0)
