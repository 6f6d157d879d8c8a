"""A gate of the policy: which sends it stops, for how long, for which reason and by what facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sojourn.message.marks import Tapes, trait_as_of
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import NEVER, Bools, Codes, Ints

Reasons = npt.NDArray[np.int16]

Zones = tuple[Codes, tuple[str, ...], str]
"""What tape.zones takes: codes int32[m] (-1 unknown), the names of zones, the zone of whoever has none."""

PASSES = np.int16(-1)


@dataclass(frozen=True, eq=False)
class Sends:
    """m messages that somebody wants sent; they are answered by customer in order of (now, priority, key).

    What was planned for a customer up to and with `now` counts, so `now` is the end of its grain.
    """

    rows: Ints  # int64[m], the customers' places on the tapes
    now: Ints  # int64[m], microseconds UTC
    priority: Ints  # int64[m], the lower goes first
    keys: Ints  # int64[m], effect keys
    channels: Codes  # int32[m], index into channel_names
    channel_names: tuple[str, ...]
    purposes: Codes  # int32[m], index into purpose_names
    purpose_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channel_hashes(self) -> Ints:
        """int64[m], as marks give them."""
        return _hashed(self.channel_names, self.channels)

    @property
    def purpose_hashes(self) -> Ints:
        """int64[m], as marks give them."""
        return _hashed(self.purpose_names, self.purposes)

    def zones(self, tapes: Tapes, fallback: str) -> Zones:
        """The customers' zones as of now, by their trait `timezone`."""
        return *trait_as_of(tapes, "timezone", self.rows, self.now), fallback


@dataclass(frozen=True, eq=False)
class Gate:
    """What one gate says of m sends.  `facts` are the columns (each of m) that it decided by."""

    name: str
    reasons: Reasons  # int16[m], code of the reason for which it stops a send; PASSES
    reason_names: tuple[str, ...]
    until: Ints  # int64[m], when a stopped send may be asked again; NEVER: it is refused
    facts: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    @property
    def stops(self) -> Bools:
        """bool[m]"""
        return np.not_equal(self.reasons, PASSES)

    @staticmethod
    def refusing(name: str, stops: Bools, facts: Mapping[str, npt.NDArray[np.generic]]) -> Gate:
        """The gate that refuses some sends (bool[m]), for the one reason that is its name."""
        return Gate(name, np.where(stops, np.int16(0), PASSES), (name,), np.full(len(stops), NEVER), facts)


def _hashed(names: tuple[str, ...], codes: Codes) -> Ints:
    return np.array([hash_text(name) for name in names] or [0], np.int64)[codes]
