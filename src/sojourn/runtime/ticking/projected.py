"""Projects marks of a tick into tables that the outside works on, in the tick's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.journey.effects import Marks
from sojourn.store import tasks
from sojourn.store.reach import consents
from sojourn.tape.distinct import distinct
from sojourn.tape.tape import Ints

WITHDRAWN = "Consent Withdrawn"

Told = Sequence[tuple[Marks, Ints]]
"""Marks, each with the instants at which their customers met them."""


def project(connection: Connection, told: Told, customers: Ints) -> None:
    """Write what marks say beside the log; `customers` are those of the tape, by row."""
    withdrawn = [customers[marks.rows] for marks, _ in told if marks.name == WITHDRAWN]
    if withdrawn:
        consents.lock(connection, distinct(*withdrawn).tolist())
    for marks, received in told:
        if writes := _TABLES.get(marks.name):
            writes(connection, marks, received, customers[marks.rows])


def _withdraw(connection: Connection, marks: Marks, received: Ints, owners: Ints) -> None:
    """What a journey withdraws stops messages at their intent, too."""
    n, said = len(marks), marks.properties
    where = {name: said[name] for name in ("journey", "step")}
    consents.state(
        connection,
        consents.Statements(
            customers=owners,
            channels=[str(said.get("channel", ""))] * n,
            purposes=[str(said.get("purpose", ""))] * n,
            states=["withdrawn"] * n,
            at=received,
            sources=[str(said["source"])] * n,
            proofs=[msgspec.json.encode(where).decode()] * n,
        ),
    )


def _create(connection: Connection, marks: Marks, received: Ints, owners: Ints) -> None:
    """What a journey asks of the team stands on its list."""
    n, said = len(marks), marks.properties
    new = tasks.Tasks(
        key=marks.keys,
        customer=owners,
        run=marks.runs,
        created=received,
        due=np.rint(marks.each["due"] * 1e6).astype(np.int64),
        journey=[str(said["journey"])] * n,
        step=[str(said["step"])] * n,
        title=[str(said["title"])] * n,
        owner=marks.each["owner"].tolist(),
        role=[str(said.get("role", ""))] * n,
        awaited=np.full(n, bool(said.get("awaited")), np.int64),
        done=np.zeros(n, np.int64),
        outcome=[""] * n,
    )
    tasks.create(connection, new)


_TABLES: Mapping[str, Callable[[Connection, Marks, Ints, Ints], None]] = {
    WITHDRAWN: _withdraw,
    "Task Created": _create,
}
