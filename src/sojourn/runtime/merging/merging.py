"""Carries a merge of customers through: what was the merged one's is the kept one's, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.customer.marks import CUSTOMERS_MERGED, CUSTOMERS_PARTED
from sojourn.customer.merging import Resolution
from sojourn.ingest.event import Origin
from sojourn.runtime.merging import handing
from sojourn.runtime.merging.handing import Told
from sojourn.runtime.merging.members import join
from sojourn.runtime.merging.stricter import withdraw
from sojourn.store import log, partitions, runs
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.grain import GRAIN
from sojourn.tape.hashing import hash_text, mix


class Merging:
    """What intake calls when identities make customers one, or two again; it holds their partitions."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, connection: Connection, resolution: Resolution, now: int) -> None:
        """Move what belongs to those whose customer is another now, and tell them.

        Unread events stay where they are: the tick that finds them hands them on.
        """
        customers = np.unique(np.concatenate((resolution.before, resolution.customers)))
        held = partitions.lock_these(connection, np.unique(customers % PARTITIONS))
        # Both have met what either has, so that nothing is met twice, and nothing wakes before that.
        met = int(held.met.max())
        instant = (max(now, met + 1) + GRAIN - 1) // GRAIN * GRAIN
        handing.hand_over(connection, resolution)
        left = handing.leave_second(connection, customers, instant, met)
        pairs = np.array([(merge.merged, merge.kept) for merge in resolution.merges], np.int64).reshape(-1, 2)
        join(connection, held.ids, pairs[:, 0], pairs[:, 1])
        withdrawn = withdraw(connection, resolution.merges, instant)
        self._tell(connection, [*_merged(resolution, instant), *left, *withdrawn], instant)
        due = np.minimum(held.due, runs.next_due(connection, held.ids))
        partitions.save(connection, replace(held, met=np.full(len(held), met), due=due))

    def _tell(self, connection: Connection, told: Sequence[Told], instant: int) -> None:
        customers = np.array([one.customer for one in told], np.int64)
        n = len(told)
        events = log.Events(
            partitions=customers % PARTITIONS,
            subjects=customers,
            keys=np.array([one.key for one in told], np.int64),
            runs=np.array([one.run for one in told], np.int64),
            names=self._names.codes(connection, [one.name for one in told]),
            happened=np.full(n, instant),
            received=np.full(n, instant),
            origins=np.full(n, int(Origin.OURS)),
            properties=[msgspec.json.encode(one.properties).decode() for one in told],
            traits=[""] * n,
        )
        log.append(connection, events)


def _merged(resolution: Resolution, instant: int) -> list[Told]:
    """The events of those who have somebody else's history now, or no longer have it."""
    told = [_told(one.kept, CUSTOMERS_MERGED, one.merged, instant, one.reason) for one in resolution.merges]
    before = dict(zip(resolution.subjects.tolist(), resolution.before.tolist(), strict=True))
    for parted in resolution.splits.tolist():
        told.append(_told(parted, CUSTOMERS_PARTED, before[parted], instant))
        told.append(_told(before[parted], CUSTOMERS_PARTED, parted, instant))
    return told


def _told(customer: int, name: str, other: int, instant: int, reason: str = "") -> Told:
    said = {"customer": str(other), **({"reason": reason} if reason else {})}
    return Told(customer, name, int(mix(hash_text(name), customer, other, instant)[0]), said)
