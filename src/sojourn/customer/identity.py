"""Identities: which ids an event claims for a person, and which two of them it says are one person's.

Every identity (a kind and a value, as `email` and `ada@example.org`) is a *subject* with a small id
of its own for ever.  An event belongs to the subject of its strongest identity; which subjects
make up one customer is decided from the links between them (merging.py), so it can change, and
change back, without rewriting an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import msgspec
import numpy as np

from sojourn.tape.tape import Ints

USER_ID, EMAIL, ANONYMOUS_ID = "user_id", "email", "anonymous_id"

_STRENGTH = {USER_ID: 0, EMAIL: 1}
_NOTHING = re.compile(r"[0-]*")


class Identity(NamedTuple):
    kind: str
    value: str


class Standing(IntEnum):
    """How firmly a link holds, in the order in which links are tried."""

    CERTAIN = 0  # said outright: an alias by the server, or a merge by hand
    CLAIMED = 1  # two identities were on one event
    CUT = 2  # taken apart by hand; no event joins the two again


class IdentityRules(msgspec.Struct, frozen=True):
    """What is no identity, and how many of a kind one known user may have (Segment's defaults)."""

    limits: Mapping[str, int] = msgspec.field(default_factory=lambda: {USER_ID: 1})
    other_limit: int = 5
    blocked: frozenset[str] = frozenset(
        {"-1", "null", "none", "nan", "undefined", "anonymous", "[object object]"}
    )

    def limit(self, kind: str) -> int:
        return self.limits.get(kind, self.other_limit)


class Sighting(NamedTuple):
    """What one event says of who it is about.

    An alias names the new id first and the previous one last; `trusted` where it came by a
    server key or an import.
    """

    identities: tuple[tuple[str, str], ...]
    happened: int
    key: int
    alias: bool = False
    trusted: bool = False


@dataclass(frozen=True)
class Links:
    """m statements that two subjects are one person; of each pair the first (happened, key) counts.

    Before the subjects are known `left` and `right` are indices into `Claims.identities`.
    """

    left: Ints
    right: Ints
    happened: Ints
    key: Ints
    standing: Ints

    def __len__(self) -> int:
        return len(self.left)

    @staticmethod
    def of(rows: Iterable[tuple[int, int, int, int, int]]) -> Links:
        """From rows (left, right, happened, key, standing)."""
        table = np.array(list(rows), np.int64).reshape(-1, 5)
        return Links(*np.ascontiguousarray(table.T))

    def rows(self) -> list[tuple[int, int, int, int, int]]:
        columns = (self.left, self.right, self.happened, self.key, self.standing)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def between(self, subjects: Ints) -> Links:
        """The same with each index replaced by its subject, smaller subject left."""
        left, right = subjects[self.left], subjects[self.right]
        return Links(np.minimum(left, right), np.maximum(left, right), self.happened, self.key, self.standing)


@dataclass(frozen=True)
class Claims:
    """What a batch of n events claims: its distinct identities, each event's own, and their links."""

    identities: tuple[Identity, ...]  # k, in order of first appearance
    owners: Ints  # int64[n], index into identities; -1 where an event has no usable identity
    links: Links


def claims(sightings: Iterable[Sighting], rules: IdentityRules | None = None) -> Claims:
    """What these events claim.  An event's strongest identity owns it and is linked to the others:
    user id before email before the rest, in the order in which the event names them."""
    rules = rules or IdentityRules()
    index: dict[Identity, int] = {}
    found: dict[tuple[int, int, int], tuple[int, int]] = {}
    owners = []
    for sighting in sightings:
        usable = _usable(sighting, rules)
        owner = index.setdefault(usable[0], len(index)) if usable else -1
        owners.append(owner)
        first = (sighting.happened, sighting.key)
        for other in usable[1:]:
            pair = (owner, index.setdefault(other, len(index)), _standing(sighting, usable[0], other))
            found[pair] = min(found.get(pair, first), first)
    links = Links.of((left, right, *first, standing) for (left, right, standing), first in found.items())
    return Claims(tuple(index), np.array(owners, np.int64), links)


def normal(kind: str, value: str, rules: IdentityRules) -> Identity | None:
    """The identity as it is compared, or None where the value is blocked."""
    text = value.strip().lower() if kind == EMAIL else value.strip()
    if _NOTHING.fullmatch(text) or text.lower() in rules.blocked:
        return None
    return Identity(kind, text)


def _usable(sighting: Sighting, rules: IdentityRules) -> list[Identity]:
    named = (normal(kind, value, rules) for kind, value in _named(sighting))
    distinct = dict.fromkeys(identity for identity in named if identity)
    return sorted(distinct, key=lambda identity: _STRENGTH.get(identity.kind, 2))


def _named(sighting: Sighting) -> tuple[tuple[str, str], ...]:
    """A previous id does not say of which kind it is: it is an anonymous id, and for who holds a
    server key a user's id as well.  An alias to oneself says nothing."""
    if not sighting.alias or len(sighting.identities) < 2:
        return sighting.identities
    *new, (_, previous) = sighting.identities
    if any(value.strip() == previous.strip() for _, value in new):
        return tuple(new)
    kinds = (ANONYMOUS_ID, USER_ID) if sighting.trusted else (ANONYMOUS_ID,)
    return (*new, *((kind, previous) for kind in kinds))


def _standing(sighting: Sighting, owner: Identity, other: Identity) -> int:
    """Only an alias from a trusted place says that two known users are one."""
    outright = sighting.alias and sighting.trusted and owner.kind == other.kind == USER_ID
    return Standing.CERTAIN if outright else Standing.CLAIMED
