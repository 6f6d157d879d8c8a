"""Hands runs and their effects to the customer that is kept, and back where a merge is undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from sojourn.customer.merging import Resolution
from sojourn.journey.program import MERGED, REASONS
from sojourn.store import counts, customers, effects, log, runs
from sojourn.store.counts import Counted
from sojourn.store.definitions import journeys
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import NEVER, Bools, Ints


@dataclass(frozen=True)
class Told:
    """An event that a merge puts on a customer's tape."""

    customer: int
    name: str
    key: int
    properties: Mapping[str, object]
    run: int = 0


def hand_over(connection: Connection, resolution: Resolution) -> None:
    """Give runs, those that left as well, to whose customer their own is now.

    Where a customer is there again, the runs are theirs that they entered themselves: the subject of
    the mark says so, as long as the log holds it.
    """
    before = np.unique(resolution.before)
    theirs = runs.of_customers(connection, before, inside=False)
    if not len(theirs):
        return
    gone = {merge.merged: merge.kept for merge in resolution.merges}
    owners = np.array([gone.get(one, one) for one in theirs.customers.tolist()], np.int64)
    if len(resolution.splits):
        owners = np.where(owners == theirs.customers, _entered(connection, theirs), owners)
    moved = np.flatnonzero(owners != theirs.customers)
    runs.take_over(connection, theirs.ids[moved], owners[moved])
    pairs = zip(theirs.ids[moved].tolist(), owners[moved].tolist(), strict=True)
    effects.hand_over(connection, before, dict(pairs))


def leave_second(connection: Connection, owners: Ints, instant: int, met: int) -> list[Told]:
    """Let one of two live runs under one re-entry key, the younger, leave as `merged` at the instant.

    Nothing that the partitions have `met` already is due any more before the instant.  Answers the
    marks of those that left.
    """
    inside = runs.of_customers(connection, owners)
    if not len(inside):
        return []
    second = _second(inside)
    staying = inside.take(np.flatnonzero(~second & (inside.due <= met)))
    runs.save(connection, replace(staying, due=np.full(len(staying), instant)))
    leaving = inside.take(np.flatnonzero(second))
    at, never = np.full(len(leaving), instant), np.full(len(leaving), NEVER)
    reasons = [REASONS[MERGED]] * len(leaving)
    runs.save(connection, replace(leaving, left=at, seen=at, due=never, reasons=reasons))
    _count(connection, leaving)
    return _left(connection, leaving)


def _entered(connection: Connection, some: runs.Runs) -> Ints:
    """Whose customer each run's own mark of entering is now: int64[n]; as it is where that is not known."""
    keys = mix(some.ids, hash_text("Journey Entered"))
    marks = log.by_key(connection, keys)
    owners = customers.customers_of(connection, marks.subjects)
    known = dict(zip(marks.keys.tolist(), owners.tolist(), strict=True))
    pairs = zip(keys.tolist(), some.customers.tolist(), strict=True)
    return np.array([known.get(key) or customer for key, customer in pairs], np.int64)


def _second(inside: runs.Runs) -> Bools:
    """Which runs share their customer, journey and slot with an older one."""
    order = np.lexsort((inside.ids, inside.entered, inside.slots, inside.journeys, inside.customers))
    slots = np.stack((inside.customers, inside.journeys, inside.slots))[:, order]
    second = np.zeros(len(inside), np.bool_)
    second[order[1:]] = (np.diff(slots, axis=1) == 0).all(axis=0)
    return second


def _count(connection: Connection, leaving: runs.Runs) -> None:
    columns = (leaving.customers % PARTITIONS, leaving.versions, leaving.steps)
    found = Counter(zip(*(column.tolist() for column in columns), strict=True))
    for (shard, version, step), n in found.items():
        counted: Counted = (version, step, "left", REASONS[MERGED])
        counts.count(connection, shard, {counted: n})


def _left(connection: Connection, leaving: runs.Runs) -> list[Told]:
    names = {journey.id: journey.name for journey in journeys.every(connection)}
    columns = (leaving.ids, leaving.customers, leaving.journeys, leaving.versions)
    keys = mix(leaving.ids, hash_text("Journey Left")).tolist()  # as the machine would have given it
    reason = {"reason": REASONS[MERGED]}
    return [
        Told(customer, "Journey Left", key, {"journey": names.get(of, ""), "version": version, **reason}, run)
        for key, run, customer, of, version in zip(keys, *(one.tolist() for one in columns), strict=True)
    ]
