"""A process that appends events until it dies, and says on its standard output which are acknowledged."""

from __future__ import annotations

import os
import sys
import time
from functools import partial

import store_rows

from sojourn.errors import Unavailable
from sojourn.store import log
from sojourn.store.database import Database

BATCH = 20


def main(url: str, first: int) -> None:
    """Keep four batches under way; a line is the first key of a batch that is durable."""
    database = Database.open(url, on_broken=lambda error: os._exit(3))
    waiting = []
    for start in range(first, first + 10_000_000, BATCH):
        batch = store_rows.events([*range(start, start + BATCH)])
        waiting.append((start, database.submit(partial(log.append, batch=batch))))
        if len(waiting) == 4:
            done, future = waiting.pop(0)
            try:
                future.result()
                os.write(1, f"{done}\n".encode())
            except Unavailable:
                os.write(1, b"unavailable\n")
                time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
