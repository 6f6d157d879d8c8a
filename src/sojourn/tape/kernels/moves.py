"""Moves runs from step to step, and counts where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import CODES, INT, INTS, OUT_CODES, OUT_INTS, OUT_TABLE, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Ints

_NEVER = np.iinfo(np.int64).max


@kernel(INTS, CODES, INTS, CODES, INTS, OUT_CODES, OUT_CODES, OUT_INTS, OUT_INTS, OUT_INTS, OUT_INTS)
def move_on(
    runs: Ints,
    exits: Codes,
    dues: Ints,
    targets: Codes,
    now: Ints,
    steps: Codes,
    hops: Codes,
    since: Ints,
    due: Ints,
    taken: Ints,
    visits: Ints,
) -> tuple[Ints, Ints]:
    """Take each run through its exit of one step; answers which arrived on a step, and which completed.

    `exits` and `dues` are of the runs given, the other columns of all runs.  A negative exit holds
    its run until the due instant; a negative target completes and leaves the run on step -1.
    `taken` counts the exits of this step, `visits` the arrivals on each step.
    """
    on, done = np.empty(len(runs), np.int64), np.empty(len(runs), np.int64)
    arrived = completed = 0
    for i in range(len(runs)):
        run, exit = runs[i], exits[i]
        if exit < 0:
            due[run] = dues[i]
            continue
        taken[exit] += 1
        due[run] = _NEVER
        steps[run] = max(targets[exit], -1)
        if targets[exit] < 0:
            done[completed] = run
            completed += 1
        else:
            hops[run] += 1
            since[run] = now[run]
            visits[targets[exit]] += 1
            on[arrived] = run
            arrived += 1
    return on[:arrived], done[:completed]


@kernel(INTS, INT, INTS, CODES, OUT_INTS, OUT_INTS, OUT_CODES, OUT_TABLE)
def leave(
    runs: Ints, reason: int, now: Ints, steps: Codes, due: Ints, left: Ints, reasons: Codes, counted: Ints
) -> None:
    """Let runs leave, each at its own instant; `counted` is by step, its last row of no step, and reason."""
    for run in runs:
        left[run] = now[run]
        due[run] = _NEVER
        reasons[run] = reason
        counted[steps[run], reason] += 1
