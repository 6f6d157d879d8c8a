"""One accepted event: what is known of it once it has been read and checked, whatever way it came in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeAlias

import msgspec

Value: TypeAlias = str | int | float | bool | None
"""A property or trait.  None is a trait that was taken away; a property is never None."""


class Origin(IntEnum):
    """Where an event came from; message outcomes and other marks are believed only from us: OURS and TICK."""

    PUBLIC = 1  # a key that anyone can read in a browser or an app
    SERVER = 2
    IMPORT = 3
    OURS = 4
    TICK = 5  # a mark of a tick, which has played it already: no later tick needs to


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event, or with `alias` the bare statement that two ids are one person's.

    `happened` and `received` are microseconds UTC, happened <= received.  `identities` are the
    (kind, value) pairs it claims, of an alias the previous id last.
    """

    key: int  # the message id as a positive 63-bit hash
    name: str
    identities: tuple[tuple[str, str], ...]
    happened: int
    received: int
    origin: int
    properties: Mapping[str, Value] = {}
    traits: Mapping[str, Value] = {}
    alias: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """An event that cannot be taken, as it came, and why; `place` is where in the event."""

    event: bytes
    why: str
    place: str = ""


class Reading(msgspec.Struct, frozen=True):
    """What one request or chunk of a file holds."""

    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()


IDENTIFIED = "Identified"
PAGE_VIEWED = "Page Viewed"
SCREEN_VIEWED = "Screen Viewed"
GROUP_JOINED = "Group Joined"
