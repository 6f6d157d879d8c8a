"""Measures how far each customer got along a list of steps, in order or in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.gather import gather, room
from sojourn.tape.kernels.kernel import BOOL, CODES, INT, INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Codes, Ints


@kernel(INTS, INTS, CODES, INTS, INT, INT, BOOL, BOOL)
def progress_in_order(
    starts: Ints, times: Ints, names: Codes, steps: Ints, length: int, within: int, strict: bool, once: bool
) -> Ints:
    """How many customers got through exactly 0, 1, ... `length` steps at most: int64[length + 1].

    `steps` holds for each name code, as bits, the steps that it makes (at most 62).  A passage
    takes at most `within` µs from its first step.  Strict: no other event stands between two
    steps.  Once: only the first event of step one begins a passage; else every one does.
    """
    reached, wanted, gathered = np.zeros(length + 1, np.int64), steps != 0, room(starts)
    begun = np.empty(length, np.int64)  # when the latest passage that got through step j began
    for customer in range(len(starts) - 1):
        through = 0  # as bits, the steps that some passage has got through
        depth = 0
        for i in range(gather(names, wanted, starts[customer], starts[customer + 1], gathered)):
            event = gathered[i]
            if strict and i > 0 and event != gathered[i - 1] + 1:
                through = 0
            made = steps[names[event]] & ((through << 1) | 1)
            if once and depth > 0:
                made &= ~1
            passed = 0
            # From the last step down, so that one event never makes two steps of one passage.
            for step in range(min(depth, length - 1), -1, -1):
                begin = times[event] if step == 0 else begun[step - 1]
                if (made >> step) & 1 and times[event] - begin <= within:
                    begun[step] = begin
                    passed |= 1 << step
                    depth = max(depth, step + 1)
            through = passed if strict else through | passed
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
