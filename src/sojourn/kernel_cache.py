"""Decides where the machine code of kernels is kept, so that they compile once and never go stale."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent / "tape" / "kernels"


def choose() -> Path:
    """Point Numba, before it is imported, to the folder for these sources; the environment may name one."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(named) if named else next(filter(_is_writable, _candidates()))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def _candidates() -> Iterator[Path]:
    """The virtual environment (it goes when its Numba goes), the user's cache, one made for the moment."""
    name = f"kernels-{_shared_parts()}"
    if sys.prefix != sys.base_prefix:
        yield Path(sys.prefix) / "cache" / "sojourn" / name
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "sojourn" / name
    yield Path(tempfile.mkdtemp(prefix="sojourn-"))


def _shared_parts() -> str:
    """A hash of the modules whose functions are compiled into kernels of other modules.

    Numba compiles a kernel anew when its own module changes, but does not see what that module calls.
    """
    texts = (path.read_bytes() for path in sorted(SOURCES.glob("*.py")))
    shared = b"".join(text for text in texts if b"\n@inner" in text)
    return hashlib.blake2b(shared, digest_size=6).hexdigest()


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
