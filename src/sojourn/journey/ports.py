"""Ports: what a driver brings to a world from rooms that journeys do not know, and who looks on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Rule
from sojourn.tape.tape import NEVER, Codes, Ints

if TYPE_CHECKING:
    from sojourn.journey.effects import Effects, Marks, Reasons, Values
    from sojourn.journey.runs import Some
    from sojourn.journey.world import World

DELIVER, HELD, SUPPRESS = range(3)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What policy says of k sends: DELIVER, HELD until an instant, or SUPPRESS for a reason."""

    outcomes: npt.NDArray[np.signedinteger[Any]]  # int[k]
    until: Ints  # int64[k], read where HELD
    reasons: Reasons  # int[k], codes of reason_names, -1 where delivered
    reason_names: tuple[str, ...]


def deliver_all(world: World, effects: Effects, priority: int) -> Verdicts:
    """The verdict of no policy at all."""
    n = len(effects)
    return Verdicts(np.zeros(n, np.int8), np.full(n, NEVER), np.full(n, -1, np.int32), ())


def no_responses(world: World, effects: Effects) -> list[Marks]:
    """Nobody answers of themselves: what customers do comes from the tape alone."""
    return []


@dataclass(frozen=True)
class Won:
    """The variant of an experiment that whoever comes from `since` on (microseconds UTC) gets."""

    variant: str
    since: int
    ways: int  # the digest of the experiment that it was decided of: another one is open again


def endless_codes(pool: str, keys: Ints) -> Values:
    """A code for each effect from a pool that never ends: what nobody hands out can be anything."""
    return np.full(len(keys), f"{pool}: a code", np.object_)


def no_pace(name: str, per_second: float, now: Ints) -> Ints:
    """When each may go on by a rate, where nothing is held back."""
    return now


class Watcher(Protocol):
    """Is told what is asked and answered while runs are played, to explain it; it changes nothing."""

    def considered(self, journey: str, triggers: Codes, rows: Ints, now: Ints, refused: Codes) -> None:
        """Which candidates entered (-1), and why the others did not."""

    def asked(self, rule: Rule, cohort: Cohort) -> None:
        """A rule was asked about a cohort."""

    def stood(self, journey: str, step: str, runs: Some, exits: Codes, due: Ints) -> None:
        """What a step answered, after policy had its word."""

    def left(self, journey: str, runs: Some, reason: str) -> None:
        """Some runs have left."""
