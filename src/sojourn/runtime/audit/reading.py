"""What a check is given, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection, Select

from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.runtime.history import History
from sojourn.store.tables import versions
from sojourn.tape.tape import Ints

PATIENCE = 120_000_000
"""Microseconds: four leases.  What is late by more is not busy but forgotten."""

_CHUNK = 50_000  # rows that are fetched at once


@dataclass(frozen=True)
class Violation:
    """One thing that does not agree: which invariant, where, and what was found."""

    invariant: str
    place: str
    finding: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.place}: {self.finding}"


@dataclass(frozen=True)
class Reading:
    """One state of the store, and the instant (microseconds UTC) at which it is read."""

    connection: Connection
    history: History
    seal: bytes
    now: int
    patience: int

    @property
    def late(self) -> int:
        """What was due before this instant is late."""
        return self.now - self.patience

    @cached_property
    def programs(self) -> dict[int, Program]:
        """All versions that were ever published, by the store's numbers."""
        found = self.connection.execute(sa.select(versions.c.id, versions.c.text))
        return {version: Program(read_journey(text), version) for version, text in found}

    def place(self, version: int, step: int) -> str:
        """A step as people call it."""
        program = self.programs.get(version)
        if program is None:
            return f"version {version}"
        journey = f"{program.name} (version {version})"
        return f"{journey}, {program.placed[step].id}" if 0 <= step < len(program.placed) else journey

    def columns(self, chosen: Select[tuple[int, ...]]) -> Ints:
        """The answer to a question for whole numbers: int64[rows, columns], fetched by and by."""
        rows = self.connection.execute(chosen.execution_options(yield_per=_CHUNK))
        parts = [np.array(part, np.int64) for part in rows.partitions()]
        return np.concatenate(parts) if parts else np.empty((0, len(chosen.selected_columns)), np.int64)
