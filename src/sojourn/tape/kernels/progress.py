"""Measures how far each customer got along a list of steps, in order or in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.gather import gather, room
from sojourn.tape.kernels.kernel import BOOL, CODES, INT, INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Ints


@kernel(INTS, INTS, CODES, INTS, INT, INT, BOOL)
def progress_in_order(
    starts: Ints, times: Ints, names: Codes, steps: Ints, length: int, within: int, once: bool
) -> Ints:
    """How many customers got through exactly 0, 1, ... `length` steps at most: int64[length + 1].

    `steps` holds for each name code, as bits, the steps that it makes (at most 62).  A passage
    takes at most `within` µs from its first step.  Once: only the first event of step one begins
    a passage; else every one does.
    """
    reached, wanted, gathered = np.zeros(length + 1, np.int64), steps != 0, room(starts)
    begun = np.empty(length + 1, np.int64)  # when the latest passage that is through j steps began
    for customer in range(len(starts) - 1):
        depth = 0
        for i in range(gather(names, wanted, starts[customer], starts[customer + 1], gathered)):
            event = gathered[i]
            begun[0] = times[event]
            # From the last step down, so that one event never makes two steps of one passage.
            for step in range(min(depth, length - 1), 0 if once and depth > 0 else -1, -1):
                if (steps[names[event]] >> step) & 1 and times[event] - begun[step] <= within:
                    begun[step + 1] = begun[step]
                    depth = max(depth, step + 1)
            if depth == length:
                break
        reached[depth] += 1
    return reached


@kernel(INTS, INTS, CODES, INTS, INT, INT, BOOL)
def progress_strictly(
    starts: Ints, times: Ints, names: Codes, steps: Ints, length: int, within: int, once: bool
) -> Ints:
    """As `progress_in_order`, but between two steps stands no other event."""
    reached = np.zeros(length + 1, np.int64)
    begun = np.empty(length + 1, np.int64)
    for customer in range(len(starts) - 1):
        through = 0  # as bits, the steps that some passage has got through with the event before
        depth = 0
        for event in range(starts[customer], starts[customer + 1]):
            made = steps[names[event]] & ((through << 1) | (0 if once and depth > 0 else 1))
            begun[0] = times[event]
            through = 0
            if made:
                for step in range(min(depth, length - 1), -1, -1):
                    if (made >> step) & 1 and times[event] - begun[step] <= within:
                        begun[step + 1] = begun[step]
                        through |= 1 << step
                        depth = max(depth, step + 1)
            if depth == length:
                break
        reached[depth] += 1
    return reached


@kernel(INTS, INTS, CODES, CODES, INTS, INT, BOOL)
def progress_in_any_order(
    starts: Ints, times: Ints, names: Codes, steps: Codes, wanted: Ints, within: int, once: bool
) -> Ints:
    """How many customers made at most 0, 1, ... of the steps within any `within` µs: int64[wanted + 1].

    `steps` holds for each name code the step that it makes, or -1; `wanted` how often each step is
    to be made.  Once: only the time from a customer's first step on counts.
    """
    reached, counted, gathered = np.zeros(wanted.sum() + 1, np.int64), steps >= 0, room(starts)
    made = np.empty(len(wanted), np.int64)
    for customer in range(len(starts) - 1):
        made[:] = 0
        depth = done = begin = 0
        for i in range(gather(names, counted, starts[customer], starts[customer + 1], gathered)):
            time = times[gathered[i]]
            if once and time - times[gathered[0]] > within:
                break
            while time - times[gathered[begin]] > within:
                dropped = steps[names[gathered[begin]]]
                made[dropped] -= 1
                done -= made[dropped] < wanted[dropped]
                begin += 1
            step = steps[names[gathered[i]]]
            done += made[step] < wanted[step]
            made[step] += 1
            depth = max(depth, done)
        reached[depth] += 1
    return reached
