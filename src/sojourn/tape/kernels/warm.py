"""Compiles all kernels ahead of their first use, as setting up and the start of a server do."""

from __future__ import annotations

import importlib
import pkgutil

from sojourn.tape import kernels
from sojourn.tape.kernels.kernel import declared


def warm() -> int:
    """Compile every kernel, or load it from the cache, and say how many there are."""
    for module in pkgutil.iter_modules(kernels.__path__):
        importlib.import_module(f"{kernels.__name__}.{module.name}")
    for kernel in declared:
        kernel.compiled()
    return len(declared)
