"""Events as columns, ready to be written: what every way in ends at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from sojourn.customer.identity import Claims, Sighting, claims
from sojourn.ingest.event import Event, Origin
from sojourn.ingest.memory import Memory
from sojourn.tape.tape import Codes, Ints

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, eq=False)
class Arrivals:
    """n events, and what they and bare aliases claim of who is who."""

    claims: Claims
    owners: Ints  # int64[n], index into claims.identities, -1 where the subject is known already
    subjects: Ints  # int64[n], 0 where it is not known yet
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


def arrivals(events: Sequence[Event], memory: Memory) -> Arrivals:
    """These events as columns, without the aliases among them."""
    subjects = memory.subjects(events)
    strange = np.flatnonzero(subjects == 0)
    strangers = [events[place] for place in strange.tolist()]
    claimed = claims(map(_sighting, strangers))
    owners = np.full(len(events), -1)
    owners[strange] = claimed.owners
    kept: Sequence[Event] = events
    if any(event.alias for event in strangers):
        told = np.flatnonzero([not event.alias for event in events])
        owners, subjects, kept = owners[told], subjects[told], [events[place] for place in told.tolist()]
    vocabulary = {name: code for code, name in enumerate(dict.fromkeys(event.name for event in kept))}
    encode = _ENCODER.encode
    return Arrivals(
        claims=claimed,
        owners=owners,
        subjects=subjects,
        keys=np.array([event.key for event in kept], np.int64),
        names=np.array([vocabulary[event.name] for event in kept], np.int32),
        vocabulary=tuple(vocabulary),
        happened=np.array([event.happened for event in kept], np.int64),
        received=np.array([event.received for event in kept], np.int64),
        origins=np.array([event.origin for event in kept], np.int64),
        properties=[encode(event.properties).decode() for event in kept],
        traits=[encode(event.traits).decode() if event.traits else "" for event in kept],
    )


def recognised(arriving: Arrivals, memory: Memory) -> Arrivals:
    """The same with the subjects that are remembered, where each event claims one id alone."""
    if not len(arriving) or len(arriving.claims.links):
        return arriving
    subjects = memory.subjects_of(arriving.claims.identities)
    strangers = np.flatnonzero(subjects == 0)
    places = np.full(len(subjects), -1)
    places[strangers] = np.arange(len(strangers))
    owners = places[arriving.owners]
    identities = tuple(arriving.claims.identities[place] for place in strangers.tolist())
    return replace(
        arriving,
        claims=Claims(identities, owners, arriving.claims.links),
        owners=owners,
        subjects=np.where(owners < 0, subjects[arriving.owners], 0),
    )


def _sighting(event: Event) -> Sighting:
    trusted = event.origin != Origin.PUBLIC
    return Sighting(event.identities, event.happened, event.key, event.alias, trusted)
