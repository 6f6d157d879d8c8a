"""Heeds what answers say of whom we write to: browsers that are gone, people who want no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.message.consent import Consent
from sojourn.runtime.dispatch.outcome import Outcome
from sojourn.runtime.dispatch.prepare import Prepared
from sojourn.store import customers, log
from sojourn.store.partitions import PARTITIONS
from sojourn.store.reach import consents, subscriptions
from sojourn.store.reach.consents import Statements
from sojourn.tape.grain import on_grain
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Ints

Owners = Mapping[int, tuple[int, int, Mapping[str, object]]]
"""Customer, run and what the tape is told of a message, by effect."""

_TOLD_ELSEWHERE = "told the provider"


def heed(connection: Connection, one: Prepared, found: Outcome, customer: int, now: int) -> None:
    """Write down what an outcome says of the browsers and the consent of its customer."""
    if found.gone:
        subscriptions.end(connection, found.gone, now)
    if found.withdraws:
        whose = np.unique([customer, int(customers.customers_of(connection, np.array([customer]))[0])])
        whose = whose[whose > 0]
        consents.lock(connection, whose.tolist())
        consents.state(connection, _statements(whose, _withdrawn(one.channel, now), found.reason))


def withdrawals(
    connection: Connection,
    left: Sequence[Prepared],
    owners: Owners,
    codes: Callable[[Connection, Sequence[str]], Ints],
    now: int,
) -> log.Events:
    """The marks of the consents that the customers of these messages withdrew."""
    marks = [_withdrawn(one.channel, now).mark() for one in left]
    whose = np.array([owners[one.key][0] for one in left], np.int64)
    received = on_grain(np.full(len(left), now))
    keys = np.array([one.key for one in left], np.int64)
    return log.Events(
        partitions=whose % PARTITIONS,
        subjects=whose,
        keys=mix(keys, hash_text(_TOLD_ELSEWHERE)),
        runs=np.array([owners[one.key][1] for one in left], np.int64),
        names=codes(connection, [name for name, _ in marks]),
        happened=received,
        received=received,
        origins=np.full(len(left), int(Origin.OURS)),
        properties=[msgspec.json.encode(said).decode() for _, said in marks],
        traits=[""] * len(left),
    )


def _withdrawn(channel: str, now: int) -> Consent:
    return Consent("withdrawn", now, channel, source=_TOLD_ELSEWHERE)


def _statements(whose: Ints, said: Consent, proof: str) -> Statements:
    size = len(whose)
    return Statements(
        customers=whose,
        channels=[said.channel] * size,
        purposes=[said.purpose] * size,
        states=[said.state] * size,
        at=np.full(size, said.happened),
        sources=[said.source] * size,
        proofs=[msgspec.json.encode({"answer": proof}).decode()] * size,
    )
