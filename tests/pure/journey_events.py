"""Histories written by hand, event by event, for tests of backtests and explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sojourn.tape.build import build
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import Column, Tape

HOUR = 3_600_000_000
DAY = 24 * HOUR
BEGIN = 1_772_355_600_000_000 // 64 * 64  # 1 March 2026, 09:00 UTC
CUSTOMERS = 400


@dataclass(frozen=True)
class Event:
    """One event of a history."""

    customer: int
    at: int
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    run: int = 0


def tape_of(events: Sequence[Event]) -> Tape:
    """The tape of customers 1 to CUSTOMERS, to whom these events happen."""
    vocabulary = tuple(dict.fromkeys(event.name for event in events))
    names = dict.fromkeys(name for event in events for name in event.properties)
    columns = {
        name: Column.of(
            np.array([n for n, event in enumerate(events) if name in event.properties], np.int64),
            [event.properties[name] for event in events if name in event.properties],
        )
        for name in names
    }
    return build(
        np.array([event.customer for event in events], np.int64),
        np.array([event.at for event in events], np.int64),
        None,
        np.array([vocabulary.index(event.name) for event in events], np.int32),
        vocabulary,
        keys=np.array([hash_text(f"event {n}") for n in range(len(events))], np.int64),
        runs=np.array([event.run for event in events], np.int64),
        properties=columns,
        everyone=np.arange(1, CUSTOMERS + 1),
    )
