"""Versions: where runs of one version of a journey go in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.program import MOVED, Program
from sojourn.journey.runs import Runs
from sojourn.tape.tape import NEVER, Bools, Codes, Ints

LEAVES = -1
"""The target of a step whose runs leave the journey as `moved`."""


@dataclass(frozen=True, eq=False)
class Going:
    """Runs that changed over to another version: how they stand now, and where they stood."""

    runs: Runs  # n
    before: Codes  # int32[n], the step of the old version
    over: Bools  # bool[n]; the others have left

    def __len__(self) -> int:
        return len(self.before)


def targets(old: Program, new: Program, mapping: Mapping[str, str]) -> Codes:
    """For each step of the old version the number of the step to go on at, or LEAVES: int32[steps].

    That is the step of the same id unless `mapping` names another ('' leaves).  Raises Invalid for names
    of steps that are not there.
    """
    for source, target in mapping.items():
        for name, program, whose in ((source, old, "the old"), (target, new, "the new")):
            if name and name not in program.codes:
                close = get_close_matches(name, program.codes, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise Invalid(f"{whose} version has no step {name!r}{hint}", place=f"map.{source}")
    led = {placed.id: mapping.get(placed.id, placed.id) for placed in old.placed}
    return np.array([new.codes.get(target, LEAVES) for target in led.values()], np.int32)


def moved(runs: Runs, old: Program, new: Program, to: Codes, now: Ints) -> Going:
    """The runs, all inside the old version, as they stand in the new one from their instants of `now` on.

    Whoever stays on the step of the same id has waited since they came there; all others arrive now.  The
    next wake of each is now: then its step answers for it.
    """
    steps = to[runs.steps]
    same = (
        np.array([placed.id for placed in old.placed], np.object_)[runs.steps]
        == np.array([*(placed.id for placed in new.placed), ""], np.object_)[steps]
    )
    over = steps != LEAVES
    paced = np.array([*(placed.step.paced() for placed in new.placed), False])[steps]
    going = replace(
        runs.take(np.arange(len(runs))),
        versions=np.where(over, new.version, runs.versions),
        steps=np.where(over, steps, runs.steps).astype(np.int32),
        hops=(runs.hops + over).astype(np.int32),
        since=np.where((same & ~paced) | ~over, runs.since, now),
        due=np.where(over, now, NEVER),
        left=np.where(over, NEVER, now),
        reasons=np.where(over, -1, MOVED).astype(np.int32),
    )
    return Going(going, runs.steps, over)
