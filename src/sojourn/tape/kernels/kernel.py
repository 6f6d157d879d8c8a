"""Declares a kernel: a plain loop over a tape's columns that is compiled once, for fixed array types.

A kernel compiles (or comes from the cache) when it is first called, so that importing this room is
quick; `warm.py` does it for all of them at once.  It takes arrays that may be read-only, as tapes are
memory-mapped, and no others than those it declares: a wrong dtype is a TypeError, never a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from numba import njit, types

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

INTS = types.Array(types.int64, 1, "C", readonly=True)
CODES = types.Array(types.int32, 1, "C", readonly=True)
FLOATS = types.Array(types.float64, 1, "C", readonly=True)
BOOLS = types.Array(types.bool_, 1, "C", readonly=True)
EACH = types.Array(types.int64, 1, "A", readonly=True)
"""One instant or span for each asked row; strided, so that one value for all takes no memory."""
OUT_INTS = types.Array(types.int64, 1, "C")
OUT_CODES = types.Array(types.int32, 1, "C")
OUT_TABLE = types.Array(types.int64, 2, "C")
INT_TABLE = types.Array(types.int64, 2, "C", readonly=True)
FLOAT_TABLE = types.Array(types.float64, 2, "C", readonly=True)
INT, FLOAT, BOOL = types.int64, types.float64, types.boolean

declared: list[Kernel[..., Any]] = []


class Kernel(Generic[Given, Answer]):
    """A function and the one signature it is compiled for."""

    def __init__(self, function: Callable[Given, Answer], signature: tuple[types.Type, ...]) -> None:
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self.function, self._signature = function, signature
        self._compiled: Callable[Given, Answer] | None = None

    def __call__(self, *given: Given.args, **named: Given.kwargs) -> Answer:
        return (self._compiled or self.compiled())(*given, **named)

    def compiled(self) -> Callable[Given, Answer]:
        """The machine code; a second thread that gets here meanwhile waits on numba's own lock."""
        self._compiled = njit(self._signature, nogil=True, cache=True)(self.function)
        return self._compiled


def kernel(*signature: types.Type) -> Callable[[Callable[Given, Answer]], Kernel[Given, Answer]]:
    """Declare the function below as a kernel for arguments of these types."""

    def declare(function: Callable[Given, Answer]) -> Kernel[Given, Answer]:
        made = Kernel(function, signature)
        declared.append(made)
        return made

    return declare


def inner(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A part of kernels: compiled into those that call it."""
    compiled: Callable[Given, Answer] = njit(nogil=True, inline="never")(function)
    return compiled
