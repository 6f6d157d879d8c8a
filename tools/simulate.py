"""Simulates installations, one a seed, and names those that went wrong: `tools/simulate.py --seeds 500`."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import traceback
from collections import Counter
from time import perf_counter

import structlog

from sojourn import kernel_cache

kernel_cache.choose()


def main() -> int:
    """Simulate as asked; 1 if anything was not right."""
    from sojourn.runtime.ticking.worker import get_ready

    asked = _asked()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )  # outages are meant
    get_ready()
    began, figures, wrong = perf_counter(), Counter[str](), list[int]()
    for seed in range(asked.first, asked.first + asked.seeds):
        found, problems = _simulated(seed)
        figures += found
        if problems:
            wrong.append(seed)
            _tell(seed, problems)
    took = perf_counter() - began
    _write(f"{asked.seeds} seeds in {took:.0f} s, {len(wrong)} wrong {wrong or ''}")
    _write(", ".join(f"{n} {what}" for what, n in sorted(figures.items())))
    return int(bool(wrong))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/simulate.py", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    return parser.parse_args()


def _simulated(seed: int) -> tuple[Counter[str], tuple[str, ...]]:
    """The figures of one simulation, and what was not right: an error that nobody expected is that, too."""
    from sojourn.runtime.simulate.simulator import simulate

    try:
        told = simulate(seed)
    except Exception:  # noqa: BLE001 - the other seeds are simulated all the same
        return Counter(), (traceback.format_exc(),)
    return told.figures, told.problems


def _tell(seed: int, problems: tuple[str, ...]) -> None:
    for problem in problems:
        _write(f"seed {seed}: {problem}")
    _write(f"again: {sys.executable} tools/simulate.py --first {seed} --seeds 1   (at {_commit()})")


def _commit() -> str:
    asked = ("git", "describe", "--always", "--dirty")
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "no commit"


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
