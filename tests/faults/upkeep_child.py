"""A process that keeps the log and the lake of an installation until it dies, without any rest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sojourn.errors import Conflict
from sojourn.lake.folder import Folder
from sojourn.runtime.history import History
from sojourn.runtime.upkeep import upkeep
from sojourn.store.database import Database
from sojourn.store.names import Names


def main(url: str, root: str) -> None:
    """Seal in small chunks, merge, sweep and prune, over and over, and say so once it begins."""
    upkeep.LONGEST, upkeep.STRAY = 0.0, 0
    database = Database.open(url)
    history = History(database, Folder.local(Path(root)), Names(database.reading))
    keeper = upkeep.Upkeep(history, enough=150)
    os.write(1, b"ready\n")
    while True:
        try:
            keeper.round()
        except Conflict:
            continue


if __name__ == "__main__":
    main(*sys.argv[1:])
