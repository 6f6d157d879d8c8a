"""Which `serve` works on a data folder: there is one at most, and other commands write through it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sojourn.errors import Conflict

_LOCK, _CARD = "serving.lock", "serving.json"


class Serving(msgspec.Struct, frozen=True):
    """A `serve` that runs: where it listens, and the secret of a key that may do everything."""

    process: int
    url: str
    key: str


@contextmanager
def claimed(data: Path, url: str) -> Iterator[Serving]:
    """Be the one `serve` of this data folder until the block ends; raises Conflict if there is another."""
    with (data / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            other = running(data)
            where = f" at {other.url} (process {other.process})" if other else ""
            raise Conflict(f"data folder {data}: it is served already{where}; stop that first") from taken
        yield Serving(os.getpid(), url, f"sj_cli_{secrets.token_urlsafe(32)}")


def announce(data: Path, serving: Serving) -> None:
    """Let other commands of the same user find it."""
    card = data / _CARD
    card.unlink(missing_ok=True)
    card.touch(mode=0o600)
    card.write_bytes(msgspec.json.encode(serving))


def running(data: Path) -> Serving | None:
    """The `serve` of this data folder, if one runs; a card without a lock is of one that was killed."""
    lock, card = data / _LOCK, data / _CARD
    if not lock.exists() or not card.exists():
        return None
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return msgspec.json.decode(card.read_bytes(), type=Serving)
    return None
