"""Portions: what a tick hands out just once, in its own transaction: codes of pools, slots of throttles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from sojourn.journey.effects import Values
from sojourn.store.portions import codes, rates
from sojourn.tape.grain import on_grain
from sojourn.tape.tape import Ints


@dataclass(frozen=True)
class Portions:
    """Hands out in the transaction of one tick."""

    connection: Connection

    def allot(self, pool: str, keys: Ints) -> Values:
        """A code of the pool for each effect, object[n], '' where there is none left."""
        return codes.allot(self.connection, pool, keys)

    def pace(self, name: str, per_second: float, now: Ints) -> Ints:
        """When each may go on, int64[n], first come first served."""
        slots = rates.reserve(self.connection, name, len(now), per_second, int(now.min()))
        due = np.empty(len(now), np.int64)
        due[np.argsort(now, kind="stable")] = slots
        return on_grain(np.maximum(due, now))
