"""Opens the installation that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sojourn.app import App


@contextmanager
def opened(data: Path | None, database: str | None = None, *, make: bool = False) -> Iterator[App]:
    """The installation of this data folder and database, which must be there unless it is to be made.

    Raises NotFound, Misconfigured or Unavailable.
    """
    from sojourn.app import open_app, settings

    with open_app(settings(data, database, make=make)) as app:
        yield app
