"""The reserve: room that is kept on the disk for what has to be written when there is no other left (P34)."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import structlog

SIZE = 16 * 2**20
"""Bytes: the outcomes of all messages under way, and the log of SQLite brought into its file at the end."""

log = structlog.get_logger()


class Reserve:
    """A file that holds room.  It is given up when the disk is full, and made again once there is space.

    While it is `spent` only what must be is to be written: whoever takes in or begins something new would
    use up the room that is left.
    """

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size
        self._lock = threading.Lock()
        self._spent = not self._made()

    @property
    def spent(self) -> bool:
        """Whether there is no reserve, and no room for one either."""
        return self._spent and not self._regained()

    def give_up(self) -> None:
        """Let the room go to others, if it is the disk that is full."""
        with self._lock:
            if self._spent or self._room() >= self._size:
                return
            self._path.unlink(missing_ok=True)
            self._spent = True
        log.error("the disk is full: nothing new is taken in or begun", freed=self._size)

    def _regained(self) -> bool:
        with self._lock:
            if self._spent and self._made():
                self._spent = False
                log.warning("the disk has room again: everything goes on", file=str(self._path))
            return not self._spent

    def _made(self) -> bool:
        """Have the file hold its room, where as much again is left beside it: else it would go at once."""
        held = self._path.stat().st_blocks * 512 if self._path.exists() else 0
        if held >= self._size:
            return True
        if self._room() < 2 * self._size:
            return False
        try:
            with self._path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self._size)
                else:  # macOS has it not
                    file.write(bytes(self._size))
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True

    def _room(self) -> int:
        """Bytes that are free for us."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize
