"""Weighs a worker: how much memory `sojourn serve` holds with the tapes of many customers resident.

History is at rest in the lake; then a thousand customers do something, so that the worker reads its
tapes, ticks and moves them.  What is weighed is the whole process, the web included, once it has
nothing more to do.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench.installation import RETURNED, make
from bench.row import Row
from bench.start import PATIENCE, served

BAR = 600
CUSTOMERS, EVENTS = 1_000_000, 10_000_000
QUIET = 10.0
"""Seconds that a worker is left to itself before it is weighed."""


def measure(*, small: bool) -> list[Row]:
    """Megabytes (of 1,048,576 bytes) that are resident."""
    part = 10 if small else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        make(folder, CUSTOMERS // part, EVENTS // part)
        with served(folder) as serving:
            _until_entered(folder)
            time.sleep(QUIET)
            held, most = round(_kilobytes(serving.pid, "rss") / 1024), _peak(serving.pid)
    return [Row("memory of a worker", held, "MB", BAR, less=True, more={"peak_mb": most})]


def _until_entered(folder: Path) -> None:
    """Wait until those who came back have entered the journey."""
    deadline = time.monotonic() + PATIENCE
    with closing(sqlite3.connect(f"file:{folder}/sojourn.db?mode=ro", uri=True)) as reader:
        while time.monotonic() < deadline:
            if reader.execute("SELECT count(*) FROM runs").fetchone() == (RETURNED,):
                return
            time.sleep(0.2)
    raise SystemExit("the worker does not move")


def _kilobytes(process: int, what: str) -> int:
    return int(
        subprocess.run(
            ["ps", "-o", f"{what}=", "-p", str(process)], stdout=subprocess.PIPE, check=True
        ).stdout
    )


def _peak(process: int) -> int | None:
    """The most that it ever held, where the system tells."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return None
    told = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return round(int(told["VmHWM"].split()[0]) / 1024)
