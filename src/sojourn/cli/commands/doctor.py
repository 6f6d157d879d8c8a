"""`sojourn doctor`: is everything here that Sojourn needs, and does it work?"""

from __future__ import annotations

import os
import platform
import time

from sojourn.cli import answer
from sojourn.cli.command import Command, Json


def doctor(json: Json = False) -> None:
    """Say whether everything is here that Sojourn needs; compiles the kernels if that is still to be done."""
    findings = {"python": platform.python_version(), "kernels": _kernels()}
    if json:
        answer.as_json(findings)
    else:
        answer.as_table(("what", "is"), findings.items())


def _kernels() -> str:
    from sojourn.tape.kernels.warm import warm

    start = time.perf_counter()
    count = warm()
    return f"{count} ready after {time.perf_counter() - start:.1f} s, kept in {os.environ['NUMBA_CACHE_DIR']}"


command = Command("doctor", doctor)
