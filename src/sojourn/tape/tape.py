"""The tape: what happened to many customers, as columns sorted by customer and meeting instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sojourn.tape.kernels.order import falls

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = np.int64(np.iinfo(np.int64).max)
"""The instant that does not come: what a search answers when it finds nothing ahead."""

LONG_AGO = np.int64(np.iinfo(np.int64).min)
"""The instant before all others: what a search answers when it finds nothing behind."""


@dataclass(frozen=True, eq=False)
class Column:
    """One property or trait of the events that carry it (m of the tape's n), in tape order.

    A value is a number or a text, told apart value by value: `codes` is -1 where it is a number,
    `numbers` is NaN where it is a text.  True and false are the numbers 1 and 0.
    """

    positions: Ints  # int64[m], strictly increasing positions on the tape
    numbers: Floats  # float64[m]
    codes: Codes  # int32[m], index into texts
    texts: Sequence[str]

    @staticmethod
    def empty() -> Column:
        return Column(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int32), ())

    @staticmethod
    def of(positions: Ints, values: Sequence[float | str | None]) -> Column:
        """The column of m values: numbers, truths, texts; None is neither number nor text."""
        codes: dict[str, int] = {}
        texts = [codes.setdefault(value, len(codes)) if isinstance(value, str) else -1 for value in values]
        numbers = [np.nan if value is None or isinstance(value, str) else float(value) for value in values]
        return Column(positions, np.array(numbers, np.float64), np.array(texts, np.int32), tuple(codes))


class Columns(Mapping[str, Column]):
    """Columns by name, each loaded when it is first asked for; an unknown name is an empty column."""

    def __init__(self, names: tuple[str, ...] = (), load: Callable[[str], Column] | None = None) -> None:
        self._names, self._load = names, load
        self._loaded: dict[str, Column] = {}

    @staticmethod
    def of(columns: Mapping[str, Column]) -> Columns:
        return Columns(tuple(columns), columns.__getitem__)

    def __getitem__(self, name: str) -> Column:
        if name not in self._loaded:
            known = self._load is not None and name in self._names
            self._loaded[name] = self._load(name) if known and self._load else Column.empty()
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Tape:
    """The events of c customers, n in all: customer i has the events starts[i] to starts[i + 1].

    Within a customer events stand in the order in which we met them: `received` strictly
    increases.  `times` is when they happened, never after `received`; the two are one array when
    nothing came late.  What is known at an instant is therefore a prefix of each customer's events.
    """

    customers: Ints  # int64[c], ids, strictly increasing
    starts: Ints  # int64[c + 1]
    times: Ints  # int64[n], microseconds UTC at which it happened
    received: Ints  # int64[n], microseconds UTC at which we met it
    names: Codes  # int32[n], index into vocabulary
    vocabulary: tuple[str, ...]
    keys: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # int64[n], event ids as hashes
    runs: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # int64[n], 0 where of no run
    properties: Columns = field(default_factory=Columns)
    traits: Columns = field(default_factory=Columns)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """The code of each name of the vocabulary."""
        return {name: code for code, name in enumerate(self.vocabulary)}

    @cached_property
    def late(self) -> bool:
        """Whether some customer has an event that happened before one that we met earlier."""
        return self.times is not self.received and falls(self.starts, self.times)
