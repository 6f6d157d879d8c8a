"""Accepts events: once each, about somebody, at the end of the log; all within the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.arrivals import Arrivals
from sojourn.ingest.event import Origin
from sojourn.ingest.identify import OnMerge, identify, nothing_else
from sojourn.ingest.memory import Memory
from sojourn.store import log, partitions
from sojourn.store.names import Names
from sojourn.tape.grain import apart
from sojourn.tape.tape import Bools, Ints


@dataclass(frozen=True)
class Books:
    """What a process that accepts events keeps beside the database."""

    names: Names
    memory: Memory = field(default_factory=Memory)
    on_merge: OnMerge = nothing_else


@dataclass(frozen=True, eq=False)
class Accepted:
    """What became of n events."""

    counted: Bools  # bool[n], false for a repeat, which changes nothing
    subjects: Ints  # int64[n]
    customers: Ints  # int64[n]


def accept(connection: Connection, arriving: Arrivals, books: Books, now: int) -> Accepted:
    """Write what arrived, received `now` (microseconds UTC) unless it is history.

    A repeat of an event that is in the log, or earlier in the batch, changes nothing (P2).
    """
    found, owners = identify(connection, arriving.claims, now, books.memory, books.on_merge)
    new, subjects = arriving.owners >= 0, arriving.subjects.copy()
    subjects[new] = found[arriving.owners[new]]
    customers = np.zeros(len(arriving), np.int64)
    customers[new] = owners[arriving.owners[new]]
    customers[~new] = books.memory.customers(connection, subjects[~new])
    received = _received(arriving, customers, now)
    events = log.Events(
        partitions=partitions.of(customers),
        subjects=subjects,
        keys=arriving.keys,
        runs=np.zeros(len(arriving), np.int64),
        names=books.names.codes(connection, arriving.vocabulary)[arriving.names],
        happened=np.minimum(arriving.happened, received),
        received=received,
        origins=arriving.origins,
        properties=arriving.properties,
        traits=arriving.traits,
    )
    counted = log.append(connection, events) if len(arriving) else np.zeros(0, np.bool_)
    return Accepted(counted, subjects, customers)


def _received(arriving: Arrivals, customers: Ints, now: int) -> Ints:
    """Each at an instant of its customer's own: a tick does not see those that nobody listens to, and could
    not keep them from standing where it puts another."""
    history = arriving.origins == Origin.IMPORT
    return np.where(history, arriving.received, apart(customers, np.maximum(arriving.received, now)))
