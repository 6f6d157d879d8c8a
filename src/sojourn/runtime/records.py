"""Turns rows of the log into rows of the lake and into tapes: store and lake are strangers."""

from __future__ import annotations

from collections.abc import Callable

from sojourn.lake.folder import Folder
from sojourn.lake.read import load
from sojourn.lake.rows import Rows
from sojourn.store.log import Logged
from sojourn.store.names import Names
from sojourn.tape.tape import Tape


def lake_rows(logged: Logged, names: Names) -> Rows:
    """The rows of the log as the lake takes them."""
    known = names.names(logged.names)
    return Rows(
        subject=logged.subjects,
        happened=logged.happened,
        received=logged.received,
        position=logged.positions,
        key=logged.keys,
        run=logged.runs,
        name=[known[code] for code in logged.names.tolist()],
        origin=logged.origins,
        properties=logged.properties,
        traits=logged.traits,
    )


def tapes_of_log(folder: Folder, names: Names) -> Callable[[Logged], Tape]:
    """What makes a tape, by subject, of rows of the log."""
    return lambda logged: load(folder, (), lake_rows(logged, names))
