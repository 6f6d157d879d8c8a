"""Tells the tape what a customer did with a message: opened it, followed a link, unsubscribed, agreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.store import customers, effects, log, partitions
from sojourn.store.names import Names
from sojourn.tape.tape import Bools

_WRITTEN = {"sms": "SMS"}


@dataclass(frozen=True)
class Sent:
    """One message that was sent: to whom, of which run, and what events say of it."""

    effect: int
    customer: int
    run: int
    channel: str
    said: Mapping[str, object]

    def called(self, what: str) -> str:
        """The name of an event about it: `Email Opened`."""
        return f"{_WRITTEN.get(self.channel, self.channel.capitalize())} {what}"


@dataclass(frozen=True)
class Mark:
    """One event of ours; its key makes a repeat count once."""

    key: int
    name: str
    customer: int
    happened: int  # microseconds UTC
    properties: Mapping[str, object]
    traits: Mapping[str, object] = field(default_factory=dict)
    run: int = 0


def sent(connection: Connection, keys: Sequence[int]) -> dict[int, Sent]:
    """The messages of these effects, by effect; those of customers who were erased are left out."""
    found = effects.by_key(connection, np.array(keys, np.int64))
    return {
        int(found.keys[n]): Sent(
            effect=int(found.keys[n]),
            customer=int(found.customers[n]),
            run=int(found.runs[n]),
            channel=found.channels[n],
            said={
                "template": found.templates[n],
                "channel": found.channels[n],
                "purpose": found.purposes[n],
                **_place(found.data[n]),
                "effect": f"{int(found.keys[n]):016x}",
            },
        )
        for n in range(len(found))
    }


def tell(connection: Connection, names: Names, marks: Sequence[Mark], now: int) -> Bools:
    """Append n marks to the log, received `now`; which are new, bool[n]: the others change nothing."""
    if not marks:
        return np.zeros(0, np.bool_)
    subjects = np.array([mark.customer for mark in marks], np.int64)
    owners = customers.customers_of(connection, subjects)
    events = log.Events(
        partitions=partitions.of(np.where(owners > 0, owners, subjects)),
        subjects=subjects,
        keys=np.array([mark.key for mark in marks], np.int64),
        runs=np.array([mark.run for mark in marks], np.int64),
        names=names.codes(connection, [mark.name for mark in marks]),
        happened=np.array([min(mark.happened, now) for mark in marks], np.int64),
        received=np.full(len(marks), now),
        origins=np.full(len(marks), Origin.OURS, np.int64),
        properties=[_json(mark.properties) for mark in marks],
        traits=[_json(mark.traits) if mark.traits else "" for mark in marks],
    )
    return log.append(connection, events)


def _place(data: str) -> dict[str, object]:
    """Where in a journey a message was sent."""
    known = msgspec.json.decode(data) if data else {}
    return {"journey": known.get("journey", ""), "step": known.get("step", "")}


def _json(values: Mapping[str, object]) -> str:
    return msgspec.json.encode(values).decode()
