"""Halts all sending until somebody lets it go on: a setting that every intent looks at, in every process."""

from __future__ import annotations

from sqlalchemy import Connection

from sojourn.store.definitions import settings

_NAME = "halted"


def halt(connection: Connection, why: str) -> None:
    """Begin no message from this commit on; what is under way ends, what is planned stays planned (P31)."""
    settings.put(connection, _NAME, why or "halted")


def resume(connection: Connection) -> None:
    """Send again, all that has waited too."""
    settings.put(connection, _NAME, "")


def halted(connection: Connection) -> str:
    """Why nothing is sent, empty if it is."""
    return str(settings.get(connection, _NAME, ""))
