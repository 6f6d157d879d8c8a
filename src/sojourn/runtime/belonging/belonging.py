"""Who belongs to what, moved by a tick: by what its customers did, and by time alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from sojourn.customer.marks import CUSTOMERS_MERGED, CUSTOMERS_PARTED
from sojourn.customer.segments import Membership, follow
from sojourn.ingest.event import Origin
from sojourn.journey.world import World
from sojourn.rule.cohort import Cohort
from sojourn.rule.picks import firsts, performed
from sojourn.rule.standing.marks import CHANGES
from sojourn.runtime.belonging import bitmap
from sojourn.runtime.belonging.following import PERIOD, Following
from sojourn.runtime.belonging.register import Register
from sojourn.runtime.belonging.telling import Teller, tellers
from sojourn.runtime.belonging.watched import Followed
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.ticking.resident import Resident
from sojourn.store import customers
from sojourn.store.definitions import segments
from sojourn.store.log import Logged
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS, Held
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Ints

STARTED_A_TICK = 100_000
"""About so many customers are asked about new segments in one transaction: it then takes about a second."""

ANEW = (CUSTOMERS_MERGED, CUSTOMERS_PARTED)
"""Events at which a customer is asked whatever their segments hear: their tape is another one now."""

_NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Asked:
    """Customers (int64[n], strictly increasing) who are asked whatever the rules hear, and when."""

    customers: Ints
    instants: Ints

    @staticmethod
    def of(customers: Ints, instants: Ints) -> Asked:
        """Of k askings, each customer's earliest."""
        order = np.lexsort((instants, customers))
        found, firsts = np.unique(customers[order], return_index=True)
        return Asked(found, instants[order[firsts]])

    def at(self, customers: Ints) -> Ints:
        """When each of m customers is asked, int64[m], NEVER who is not."""
        if not len(self.customers):
            return np.full(len(customers), NEVER)
        places = np.minimum(np.searchsorted(self.customers, customers), len(self.customers) - 1)
        return np.where(self.customers[places] == customers, self.instants[places], NEVER)


class Belonging:
    """The memberships of the partitions that one tick holds, from `held.met` up to `until`.

    Customers with news that a rule reads are followed in the play.  Everybody in a partition is asked
    when its earliest horizon has come, or when something followed is new; of these, too, only those who
    cross over have to take part in the play.
    """

    def __init__(
        self, connection: Connection, catalogue: Catalogue, held: Held, until: int, resident: Resident
    ) -> None:
        self._connection, self._catalogue, self._resident = connection, catalogue, resident
        self._held, self._until = held, until
        self._again = self._new = Asked(_NOBODY, _NOBODY)  # anew, and for the first time
        self._players: list[tuple[Following, tuple[Bools, ...]]] = []
        self._idle = not catalogue.followed
        self._versions, self._horizons = np.zeros(len(held), np.int64), np.full(len(held), NEVER)
        if not self._idle:
            self._versions, self._horizons = segments.outlooks(connection, held.ids)
        self._starting = self._first_few(held.ids[self._versions != catalogue.fingerprint])
        self._register = Register(connection, catalogue.followed, held, until, self._starting)

    def concerned(self, news: Logged, names: Names) -> Ints:
        """The customers whom the play must follow: int64[m], strictly increasing."""
        if self._idle:
            return _NOBODY
        needs, told = self._catalogue.followed_needs, names.names(news.names)
        owners = self._resident.merged.customers_of(news.subjects)
        heard = np.isin(news.names, [code for code, name in told.items() if name in needs.events])
        if needs.traits:
            heard |= np.array([bool(text) for text in news.traits], np.bool_)
        past = heard & (news.origins == Origin.IMPORT)  # met long ago, and read only now
        anew = np.isin(news.names, [code for code, name in told.items() if name in ANEW])
        instants = np.where(past, self._until, news.received)
        self._again = Asked.of(owners[anew | past], instants[anew | past])
        self._new = self._newcomers(owners, news)
        return np.union1d(np.append(owners[heard | anew], self._new.customers), self._crossing())

    def players(self, world: World, after: Ints) -> list[Following]:
        """What follows the customers of the world, who were followed until `after`."""
        if self._idle:
            return []
        tape = world.tape
        self._everyone = tape.customers
        self._register.open(np.unique(tape.customers % PARTITIONS))
        for teller in tellers(self._catalogue.followed, world):
            begun = [self._begun(track, tape.customers, after) for track in teller.tracks]
            starts, followed = [start for start, _ in begun], tuple(these for _, these in begun)
            silent = self._silent(teller, tape.customers)
            self._players.append((Following(teller, world, starts, self._until, silent), followed))
        return [player for player, _ in self._players]

    def _begun(self, track: Followed, customers: Ints, after: Ints) -> tuple[Membership, Bools]:
        """Where the customers stand, and which of them are followed at all."""
        new, again = self._new.at(customers), self._again.at(customers)
        start, followed = self._register.start(track, customers, after)
        first = followed & (new < NEVER)
        start.seen[first], start.due[first] = new[first] - 1, new[first]
        start.due[followed] = np.minimum(start.due, again)[followed]
        return start, followed

    def _silent(self, teller: Teller, customers: Ints) -> Ints | None:
        """The instants of which nothing is told: who has the points when a threshold is first listened to has
        not crossed it then."""
        if teller.tracks[0].kind != "score":
            return None
        begins = self._register.begins(teller.tracks[0], customers)
        return np.where(self._new.at(customers) < NEVER, LONG_AGO, begins)

    def write(self) -> Ints:
        """Write where customers have come to; int64[k], when time alone is next to be looked at in each of
        the held partitions."""
        if self._idle:
            return self._horizons
        for player, followed in self._players:
            for track, these, start, end in zip(
                player.teller.tracks, followed, player.starts, player.ends, strict=True
            ):
                those = np.flatnonzero(these)
                self._register.end(track, self._everyone[those], start.take(those), end.take(those))
        versions, horizons = self._versions.copy(), self._horizons.copy()
        for partition, summary in self._register.write(self._catalogue.fingerprint).items():
            place = np.searchsorted(self._held.ids, partition)
            versions[place], horizons[place] = summary.version, summary.horizon
        return np.where(versions == self._catalogue.fingerprint, horizons, self._until)

    def _newcomers(self, owners: Ints, news: Logged) -> Asked:
        """Customers of whom nobody was asked yet, at their first events.

        Nobody needs to know them where no segment holds of strangers.
        """
        if not self._catalogue.holds_of_strangers:
            return self._new
        told = news.origins != Origin.TICK
        instants = np.where(news.origins == Origin.IMPORT, self._until, news.received)
        found = Asked.of(owners[told], instants[told])
        self._register.open(np.unique(found.customers % PARTITIONS))
        new = ~self._register.known(found.customers)
        self._register.meet(found.customers[new])
        return Asked(found.customers[new], found.instants[new])

    def _first_few(self, behind: Ints) -> Ints:
        """As many of the partitions as may begin with new segments in one transaction, at least one."""
        sizes = np.cumsum([len(self._resident.customers(one)) for one in behind.tolist()])
        return behind[: max(1, int(np.searchsorted(sizes, STARTED_A_TICK)))]

    def _crossing(self) -> Ints:
        """The customers who cross over by time alone, or because something followed is new."""
        asked = np.union1d(self._held.ids[self._horizons <= self._until], self._starting)
        self._register.open(asked)
        strangers = self._strangers()
        found = [_NOBODY]
        for partition in asked.tolist():
            here = strangers[strangers % PARTITIONS == partition]
            found += self._crossing_in(partition, np.union1d(self._resident.customers(partition), here))
        return np.concatenate(found)

    def _strangers(self) -> Ints:
        """Customers of whom no event need be known, where a new segment may hold of such."""
        if not len(self._starting) or not self._catalogue.holds_of_strangers:
            return _NOBODY
        return customers.of_partitions(self._connection, self._starting)

    def _crossing_in(self, partition: int, everyone: Ints) -> list[Ints]:
        due = [one for one in self._catalogue.followed if self._register.place(one, partition).due != NEVER]
        members = [bitmap.members(self._register.place(one, partition).members, partition) for one in due]
        everyone = np.unique(np.concatenate([everyone, *members]))
        self._register.meet(everyone)
        tape = self._resident.tape(everyone)
        after = np.full(len(everyone), self._held.met[np.searchsorted(self._held.ids, partition)])
        found = []
        for track in due:
            start, _ = self._register.start(track, everyone, after)
            now = np.full(len(everyone), self._until)
            rules, zone = self._catalogue.segments, self._catalogue.policy.fallback_zone
            cohort = Cohort((tape,), np.arange(len(everyone)), now, rules, zone=zone)
            end, crossings = follow(track.rule, cohort, start, PERIOD, track.keeps)
            crossing = np.isin(cohort.rows, crossings.rows)
            if track.kind == "stage" and self._register.place(track, partition).begins:
                crossing |= firsts(performed(CHANGES, cohort)).times() != LONG_AGO  # to what is no stage now
            still = np.flatnonzero(~crossing)
            self._register.end(track, everyone[still], start.take(still), end.take(still))
            found.append(everyone[crossing])
        return found
