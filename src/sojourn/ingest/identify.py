"""Finds whose events these are: subjects for the ids they claim, and the merges that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from sqlalchemy import Connection

from sojourn.customer.identity import Claims, Links
from sojourn.customer.merging import Known, Resolution, news, resolve, split
from sojourn.ingest.memory import Memory
from sojourn.store import customers, partitions
from sojourn.store.access.rows import taken
from sojourn.store.customers import Identified
from sojourn.tape.tape import Ints

OnMerge: TypeAlias = Callable[[Connection, Resolution, int], None]
"""What else a merge moves (runs, segments), called in its transaction at `now` with the partitions locked."""


_NOBODY = np.empty(0, np.int64)


def nothing_else(connection: Connection, resolution: Resolution, now: int) -> None:
    """Nobody but the store has to know of a merge."""


def identify(
    connection: Connection,
    claimed: Claims,
    now: int,
    memory: Memory,
    on_merge: OnMerge = nothing_else,
) -> tuple[Ints, Ints]:
    """The subject and the customer of each identity claimed, int64[k] each, made where there were none.

    What the claims say of who is who is written as well, so that the customers are those after it.
    """
    if not claimed.identities:
        return _NOBODY, _NOBODY
    found = customers.identify(connection, claimed.identities, now)
    owners = found.customers
    links = claimed.links.between(found.subjects)
    born = found.subjects[found.born]
    old = ~(np.isin(links.left, born) | np.isin(links.right, born))  # nobody has linked the newborn yet
    fresh = news(links, customers.remembered(connection, taken(links, np.flatnonzero(old))))
    if len(fresh):
        resolution = resolve(fresh, _known(connection, fresh, found, claimed))
        memory.forget(resolution.subjects)
        _carry_out(connection, resolution, now, on_merge)
        owners = _after(found, resolution)
    return found.subjects, owners


def part(
    connection: Connection, subjects: Ints, now: int, memory: Memory, on_merge: OnMerge = nothing_else
) -> Resolution:
    """Take subjects out of the customer that they are part of: no event joins them again (P9)."""
    known = customers.known(connection, subjects, _NOBODY)
    resolution = resolve(split(subjects, known), known)
    memory.forget(resolution.subjects)
    _carry_out(connection, resolution, now, on_merge)
    return resolution


def _known(connection: Connection, fresh: Links, found: Identified, claimed: Claims) -> Known:
    """What is known of those whom the links name; of the newborn, who are most, without asking."""
    named, born = np.unique(np.concatenate((fresh.left, fresh.right))), found.subjects[found.born]
    if not np.isin(named, born).all():
        return customers.known(connection, named, born)
    pairs = zip(found.subjects.tolist(), claimed.identities, strict=True)
    kinds = {subject: identity.kind for subject, identity in pairs}
    return Known(
        subjects=named,
        kinds=tuple(kinds[subject] for subject in named.tolist()),
        customers=named,
        kins=named,
        links=Links.of(()),
        born=np.ones(len(named), np.bool_),
    )


def _carry_out(connection: Connection, resolution: Resolution, now: int, on_merge: OnMerge) -> None:
    moves = bool(resolution.merges) or bool(len(resolution.splits))
    if moves:
        touched = np.concatenate((resolution.before, resolution.customers))
        partitions.lock_these(connection, np.unique(partitions.of(touched)))
    customers.carry_out(connection, resolution, now)
    if moves:
        on_merge(connection, resolution, now)


def _after(found: Identified, resolution: Resolution) -> Ints:
    moved = dict(zip(resolution.subjects.tolist(), resolution.customers.tolist(), strict=True))
    pairs = zip(found.subjects.tolist(), found.customers.tolist(), strict=True)
    return np.array([moved.get(subject, customer) for subject, customer in pairs], np.int64)
