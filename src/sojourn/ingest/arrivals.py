"""Events as columns, ready to be written: what every way in ends at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from sojourn.customer.identity import Claims, Sighting, claims
from sojourn.ingest.event import Event, Origin, Value
from sojourn.tape.tape import Bools, Codes, Ints

_EMPTY = "{}"


@dataclass(frozen=True, eq=False)
class Arrivals:
    """n events of n' >= n claims: a bare alias claims something and is no event."""

    claims: Claims  # who the events are about; its owners are int64[n]
    keys: Ints  # int64[n], hash of the message id
    names: Codes  # int32[n], index into vocabulary
    vocabulary: tuple[str, ...]
    happened: Ints  # int64[n], microseconds UTC
    received: Ints  # int64[n], microseconds UTC
    origins: Ints  # int64[n]
    properties: Sequence[str]  # n JSON objects
    traits: Sequence[str]  # n JSON objects, empty text where there are none

    def __len__(self) -> int:
        return len(self.keys)


def arrivals(events: Sequence[Event]) -> Arrivals:
    """These events as columns."""
    claimed = claims(
        Sighting(e.identities, e.happened, e.key, e.alias, e.origin != Origin.PUBLIC) for e in events
    )
    told = np.array([not event.alias for event in events], np.bool_)
    kept = [event for event in events if not event.alias]
    vocabulary = {name: code for code, name in enumerate(dict.fromkeys(event.name for event in kept))}
    return Arrivals(
        claims=_of_those_told(claimed, told),
        keys=np.array([event.key for event in kept], np.int64),
        names=np.array([vocabulary[event.name] for event in kept], np.int32),
        vocabulary=tuple(vocabulary),
        happened=np.array([event.happened for event in kept], np.int64),
        received=np.array([event.received for event in kept], np.int64),
        origins=np.array([event.origin for event in kept], np.int64),
        properties=[_json(event.properties) or _EMPTY for event in kept],
        traits=[_json(event.traits) for event in kept],
    )


def _of_those_told(claimed: Claims, told: Bools) -> Claims:
    return claimed if told.all() else Claims(claimed.identities, claimed.owners[told], claimed.links)


def _json(values: Mapping[str, Value]) -> str:
    return msgspec.json.encode(values).decode() if values else ""
