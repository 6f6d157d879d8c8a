"""Opens the installation that a command works on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sojourn.errors import NotFound

if TYPE_CHECKING:
    from sojourn.app import App, Settings

BROKEN = 3
"""The exit code of a process that stops because nobody knows any more what is on its disk (P35)."""


def is_there(data: Path | None, database: str | None) -> bool:
    """Whether there is an installation."""
    from sojourn.app import settings

    try:
        settings(data, database, make=False)
    except NotFound:
        return False
    return True


@contextmanager
def opened(data: Path | None, database: str | None = None) -> Iterator[App]:
    """The installation of this data folder and database, which must be there.

    Raises NotFound, Misconfigured or Unavailable.
    """
    from sojourn.app import settings

    with opened_at(settings(data, database, make=False)) as app:
        yield app


@contextmanager
def opened_at(place: Settings) -> Iterator[App]:
    """The installation that the settings name, made if it is not there."""
    from sojourn.app import open_app

    with open_app(place, on_broken=_stop) as app:
        yield app


def _stop(error: BaseException) -> None:
    """End at once, with nothing tidied up: whatever were written now might build on what is not there."""
    import structlog

    structlog.get_logger().critical("stopping: the disk did not take a commit", why=str(error))
    os._exit(BROKEN)
