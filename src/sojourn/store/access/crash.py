"""Crash points: named places at which a test has this process killed; without `CRASH_AT` they do nothing.

`CRASH_AT=after intent:3` kills it as a failing power supply would, when it comes there for the third time.
"""

from __future__ import annotations

import os
import signal
from itertools import count

POINTS = (
    "before an answer",  # events are committed, their sender has not been told
    "within a tick",  # everything is written, nothing committed
    "after a tick",
    "before a claim",
    "after a claim",
    "after an intent",  # it is on disk that a message goes out, and not a byte has
    "after a delivery",  # the far side has it, the ledger does not know
    "after settling",
)

_chosen, _, _nth = os.environ.get("CRASH_AT", "").partition(":")
_left = count(int(_nth or 1), -1)


def point(name: str) -> None:
    """We are at this point."""
    if name == _chosen and next(_left) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
