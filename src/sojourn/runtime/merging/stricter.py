"""Keeps the stricter consent when customers become one: what either had withdrawn stays withdrawn."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.customer.merging import Merge
from sojourn.message.consent import Consent, merging
from sojourn.runtime.dispatch.ledger import spoken
from sojourn.runtime.merging.handing import Told
from sojourn.store.reach import consents
from sojourn.tape.hashing import hash_text, mix


def withdraw(connection: Connection, merges: Iterable[Merge], instant: int) -> list[Told]:
    """State the withdrawals that a later yes of the other would lift; what the kept ones' tapes are told."""
    told: list[Told] = []
    for merge in merges:
        consents.lock(connection, sorted((merge.kept, merge.merged)))
        said = [spoken(consents.of_customers(connection, [one])) for one in (merge.kept, merge.merged)]
        lost = merging(said[0], said[1], instant)
        consents.state(connection, _stated(merge.kept, lost))
        told += [_told(merge.kept, one) for one in lost]
    return told


def _stated(customer: int, lost: list[Consent]) -> consents.Statements:
    return consents.Statements(
        customers=np.full(len(lost), customer),
        channels=[one.channel for one in lost],
        purposes=[one.purpose for one in lost],
        states=[one.state for one in lost],
        at=np.array([one.happened for one in lost], np.int64),
        sources=[one.source for one in lost],
        proofs=[msgspec.json.encode(one).decode() for one in lost],
    )


def _told(customer: int, lost: Consent) -> Told:
    name, properties = lost.mark()
    scope = hash_text(f"{lost.channel}:{lost.purpose}")
    key = int(mix(hash_text(name), customer, scope, lost.happened)[0])
    return Told(customer, name, key, properties)
