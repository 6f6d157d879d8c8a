"""A plan: what publishing some definitions would change, whom it concerns, and what a backtest says of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sojourn.journey.changing.diff import Change
from sojourn.journey.check import Finding

NEW, CHANGED, REWORDED, GONE = "new", "changed", "reworded", "gone"
"""What becomes of a definition; one that is reworded says the same in other words."""


class Inside(msgspec.Struct, frozen=True):
    """How many runs are inside a journey now, and on the steps that change; they stay on their version."""

    runs: int
    on_changed: Mapping[str, int]  # by the id of the step


class Figures(msgspec.Struct, frozen=True):
    """What a backtest says of a journey: runs, and by step how many came there."""

    entered: int
    waiting: int
    converted: int  # left because they reached the goal
    sent: int  # messages that policy would have let go
    steps: Mapping[str, int]


class Backtested(msgspec.Struct, frozen=True):
    """A journey before and after; null where it is not there."""

    journey: str
    before: Figures | None
    after: Figures | None


class Planned(msgspec.Struct, frozen=True):
    """What becomes of one definition; `path` is the file that says it, '' of what is gone.

    `digest` is that of the text that holds now, '' where there is none.
    """

    kind: str
    name: str
    what: str
    path: str = ""
    digest: str = ""
    changes: tuple[Change, ...] = ()
    warnings: tuple[Finding, ...] = ()
    inside: Inside | None = None
    figures: Backtested | None = None


class Plan(msgspec.Struct, frozen=True):
    """All that would change, and nothing else; `state` tells what it was made from.

    `affected` are journeys whose own texts stay but for which the backtest says something else;
    `others` are definitions that hold and were not asked about.
    """

    state: int
    definitions: tuple[Planned, ...]
    affected: tuple[Backtested, ...] = ()
    others: tuple[str, ...] = ()
