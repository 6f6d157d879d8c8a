"""Reminders: tells customers' tapes of tasks that are overdue and that no run waits for."""

from __future__ import annotations

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.store import customers, log, partitions, tasks
from sojourn.store.names import Names
from sojourn.tape.hashing import hash_text, mix

OVERDUE = "Task Overdue"


def remind(connection: Connection, names: Names, now: int) -> int:
    """Put `Task Overdue` on tapes; of how many tasks.  A run that waits for a task tells so itself."""
    late = tasks.overdue(connection, now)
    n = len(late)
    if not n:
        return 0
    owners = customers.customers_of(connection, late.customer)
    columns = zip(late.key.tolist(), late.journey, late.step, late.title, late.owner, strict=True)
    told = [
        {"task": f"{key:016x}", "journey": journey, "step": step, "title": title, "owner": owner}
        for key, journey, step, title, owner in columns
    ]
    events = log.Events(
        partitions=partitions.of(np.where(owners > 0, owners, late.customer)),
        subjects=late.customer,
        keys=mix(late.key, hash_text(OVERDUE)),
        runs=late.run,
        names=names.codes(connection, [OVERDUE] * n),
        happened=np.minimum(late.due, now),
        received=np.full(n, now),
        origins=np.full(n, int(Origin.OURS)),
        properties=[msgspec.json.encode(one).decode() for one in told],
        traits=[""] * n,
    )
    log.append(connection, events)
    return n
