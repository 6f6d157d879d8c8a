"""A selection: the events of a tape that one condition picks, as columns of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sojourn.tape.kernels.order import falls
from sojourn.tape.kernels.pick import pick_masked, pick_named, starts_within
from sojourn.tape.tape import Bools, Column, Ints, Tape


@dataclass(frozen=True, eq=False)
class Selection:
    """k of a tape's n events, of the same c customers: customer i has starts[i] to starts[i + 1].

    `late` says whether the times of some customer go down, i.e. whether order and time disagree.
    """

    starts: Ints  # int64[c + 1]
    positions: Ints  # int64[k], strictly increasing positions on the tape
    times: Ints  # int64[k], microseconds UTC
    received: Ints  # int64[k], microseconds UTC, strictly increasing within a customer
    late: bool

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, bool]:
        """What most kernels take first."""
        return self.starts, self.times, self.received, self.late


def select(tape: Tape, names: Iterable[str] | None = None, mask: Bools | None = None) -> Selection:
    """The events with one of these names (None: any) where the mask (bool[n]) is true.

    A name that the tape does not know picks nothing.
    """
    if names is None:
        return _everything(tape) if mask is None else _picked(tape, *pick_masked(tape.starts, mask))
    wanted = np.zeros(len(tape.vocabulary), np.bool_)
    wanted[[tape.codes[name] for name in names if name in tape.codes]] = True
    if mask is not None:
        return _picked(tape, *pick_masked(tape.starts, mask & wanted[tape.names]))
    return _picked(tape, *pick_named(tape.starts, tape.names, wanted))


def carrying(tape: Tape, column: Column) -> Selection:
    """The events that carry this property or trait; its element j is the column's element j."""
    return _picked(tape, starts_within(tape.starts, column.positions), column.positions)


def union(tape: Tape, *selections: Selection) -> Selection:
    """The events that at least one of the selections picks."""
    mask = np.zeros(len(tape), np.bool_)
    for selection in selections:
        mask[selection.positions] = True
    return select(tape, mask=mask)


def _everything(tape: Tape) -> Selection:
    return Selection(tape.starts, np.arange(len(tape)), tape.times, tape.received, tape.late)


def _picked(tape: Tape, starts: Ints, positions: Ints) -> Selection:
    times = tape.times[positions]
    received = times if tape.times is tape.received else tape.received[positions]
    return Selection(starts, positions, times, received, tape.late and falls(starts, times))
