"""I4: nothing that is due, unread or leased has been left lying."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from sojourn.runtime.audit.reading import Reading, Violation
from sojourn.store.tables import effects, events, partitions, runs


def prompt(reading: Reading) -> Iterator[Violation]:
    """Looks for what is later than patience allows."""
    late = reading.late
    for finding, oldest, where in (
        ("runs are due and nobody moves them", runs.c.due, runs.c.due < late),
        ("effects are due and nobody claims them", effects.c.due, _waiting & (effects.c.due < late)),
        ("leases have ended and nobody takes over", effects.c.lease, _leased & (effects.c.lease < late)),
        (
            "events have come in and no tick reads them",
            events.c.received,
            _unread & (events.c.received < late),
        ),
    ):
        n, since = reading.connection.execute(
            sa.select(sa.func.count(), sa.func.min(oldest)).where(where)
        ).one()
        if n:
            waits = (reading.now - since) / 1_000_000
            yield Violation("I4", oldest.table.name, f"{n} {finding}, the oldest for {waits:.0f} s")


_waiting = sa.text("state IN (0, 4)")  # as the partial indexes say it
_leased = sa.text("state IN (1, 2)")


def _past_offsets() -> ColumnElement[bool]:
    reached = sa.tuple_(partitions.c.read_xid, partitions.c.read_position)
    behind = sa.tuple_(events.c.xid, events.c.position) > reached
    return sa.exists().where(partitions.c.id == events.c.partition, behind)


_unread = _past_offsets()
