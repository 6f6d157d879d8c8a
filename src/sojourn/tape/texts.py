"""Texts: very many distinct ones in one block of bytes; as strings each would take five times its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

MANY = 4096
"""From so many on a block is worth its slower reading."""


class Texts(Sequence[str]):
    """n texts: text i is the UTF-8 between ends[i] and ends[i + 1]."""

    def __init__(self, data: memoryview, ends: npt.NDArray[np.int32]) -> None:
        self._data, self._ends = data, ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self)
        return str(self._data[self._ends[place] : self._ends[place + 1]], "utf-8")

    def __iter__(self) -> Iterator[str]:
        for low, high in pairwise(self._ends.tolist()):
            yield str(self._data[low:high], "utf-8")
