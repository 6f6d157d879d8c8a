"""Starts `sojourn serve` as the process that it is, and ends it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sojourn.cli import serving
from sojourn.errors import Unavailable

PORT = 8000
"""Where the demo is served, unless somebody else is there."""

PATIENCE = 60.0
"""Seconds for a start; on a machine that has not compiled the kernels yet it takes that long."""


@contextmanager
def serving_beside(data: Path, log: Path) -> Iterator[str]:
    """A `serve` of this data folder until the block ends; gives its address."""
    command = [sys.executable, "-c", "from sojourn.cli import main; main()"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "serve", "--data", data, "--port", str(_port())],
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends it in order
        )
    try:
        yield _started(process, data, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _started(process: subprocess.Popen[bytes], data: Path, log: Path) -> str:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if found := serving.running(data):
            return found.url
        time.sleep(0.05)
    raise Unavailable(f"`sojourn serve` did not start; what it said is in {log}")


def _port() -> int:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", PORT))
        except OSError:
            trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
