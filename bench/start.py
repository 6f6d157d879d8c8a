"""Times the start of `sojourn serve` on a folder that has a history, until it answers /healthz.

The kernels come from their cache, as `make setup` has filled it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.installation import make
from bench.row import Row, rounded

BAR = 3.0
CUSTOMERS, EVENTS, ROUNDS = 100_000, 1_000_000, 3
PATIENCE = 120  # seconds


def measure(*, small: bool) -> list[Row]:
    """Seconds from the command to the first answer: the median of some starts."""
    part, found = 10 if small else 1, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        make(folder, CUSTOMERS // part, EVENTS // part)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with served(folder):
                found.append(time.perf_counter() - began)
    more = {"each_s": [rounded(one) for one in found]}
    return [Row("start of `serve`", rounded(median(found)), "s", BAR, less=True, more=more)]


@contextmanager
def served(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `sojourn serve` of the folder that answers, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from sojourn.cli import main; main()", "serve"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SOJOURN_")}
    with (folder / "serve.log").open("ab") as log:
        serving = subprocess.Popen(
            [*command, "--data", str(folder), "--port", str(port)], stdout=log, stderr=log, env=environment
        )
    try:
        _until_answered(serving, port)
        yield serving
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(PATIENCE)


def _until_answered(serving: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and serving.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
        else:
            return
    raise SystemExit("`sojourn serve` does not answer")
