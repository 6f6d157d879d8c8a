"""Has memory that nothing uses any more go back to the machine; allocators would keep it for later."""

from __future__ import annotations

import ctypes
import gc
import sys

import pyarrow as pa


def lean() -> None:
    """Let Arrow use the allocator of the rest of the process: its own keeps 60 MB after a large load."""
    pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Give back what is free: after loading a million customers that is a quarter of what a worker holds."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)
