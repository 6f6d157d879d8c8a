"""Reads the text files that a person names on the command line."""

from __future__ import annotations

from pathlib import Path

from sojourn.errors import Invalid, NotFound


def read_text(path: Path) -> str:
    """The text of a file.  Raises NotFound or Invalid, which name it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as missing:
        raise NotFound(f"there is no file {path}") from missing
    except (OSError, UnicodeDecodeError) as trouble:
        raise Invalid(f"cannot be read as text ({trouble})", source=str(path)) from trouble
