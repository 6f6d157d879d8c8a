"""Makes empty, migrated databases on the disk for the benches, as durable as in production."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from postgres_server import PostgresServer

STORES = ("sqlite", "postgresql")
_numbers = count(1)


@contextmanager
def databases(store: str) -> Iterator[Callable[[], str]]:
    """Gives the address of another new database at each call; they go when the block ends."""
    if store == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield lambda: f"sqlite:///{Path(folder) / f'{next(_numbers)}.db'}"
        return
    server = PostgresServer(durable=True)
    try:
        yield partial(_created, server)
    finally:
        server.remove()


def _created(server: PostgresServer) -> str:
    name = f"bench{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name}")
    return server.url(name)
