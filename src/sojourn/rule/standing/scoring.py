"""Works out scores: what events gave and how it faded, what holds now, and when time alone matters."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np

from sojourn.rule import where
from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import values_at
from sojourn.rule.definition import Comparison, Rule, Scored
from sojourn.rule.standing.named import Gain, Group, Named, Score
from sojourn.tape.kernels.fade import gathered, summed, turns
from sojourn.tape.kernels.order import falls
from sojourn.tape.memory import remembered
from sojourn.tape.selection import Selection
from sojourn.tape.tape import NEVER, Bools, Codes, Floats, Ints, Tape
from sojourn.tape.weave import weave

HALVINGS = 1200
"""After so many half-lives nothing is left of any level: float64 holds no number so small."""


@dataclass(frozen=True, eq=False)
class Standing:
    """What m askings have of a score's g groups: levels that fade, and the rest that does not."""

    score: Score
    now: Ints  # int64[m]
    levels: Floats  # float64[m, g], at `since`
    since: Ints  # int64[m, g]
    rests: Floats  # float64[m, g]

    @property
    def values(self) -> Floats:
        """The score now: float64[m]."""
        return summed(*self._columns, self.now)

    def by_group(self) -> dict[str, Floats]:
        """Each group alone, now: float64[m] by its name."""
        names = [group.name for group in self.score.groups]
        return {name: self._only(place).values for place, name in enumerate(names)}

    def change(self, tests: tuple[Comparison, ...]) -> Ints:
        """When time alone next takes the score across one of the marks: int64[m] > now or NEVER."""
        lives = [group.half_life.length for group in self.score.groups if group.half_life]
        found = np.full(len(self.now), NEVER)
        for mark, beyond in dict.fromkeys(one for test in tests for one in _marks(test)):
            if lives:
                reach = HALVINGS * max(lives)
                found = np.minimum(found, turns(*self._columns, self.now, mark, beyond, reach))
        return found

    @property
    def _columns(self) -> tuple[Floats, Ints, Floats, Floats, Floats, Floats]:
        groups = self.score.groups
        paces = np.array([1 / group.half_life.length if group.half_life else 0.0 for group in groups])
        least = np.array([*(group.least for group in groups), _or(self.score.least, -np.inf)])
        most = np.array([_or(limit, np.inf) for limit in (*(one.most for one in groups), self.score.most)])
        return self.levels, self.since, self.rests, paces, least, most

    def _only(self, place: int) -> Standing:
        alone, here = Score(self.score.name, self.score.groups[place : place + 1]), slice(place, place + 1)
        levels, since, rests = self.levels[:, here], self.since[:, here], self.rests[:, here]
        return Standing(alone, self.now, levels.copy(), since.copy(), rests.copy())


def scored(leaf: Scored, cohort: Cohort) -> Score | None:
    """The score, or the group of it, that the leaf asks about; None if there is none."""
    score = Named.of(cohort.segments).scores.get(leaf.score)
    found = score and score.only(leaf.group)
    return found if found and found.groups else None


def standing(score: Score, cohort: Cohort, holds: Callable[[Rule, Cohort], Bools]) -> Standing:
    """Where the cohort stands with a score; `holds` evaluates rules."""
    m, g = len(cohort), len(score.groups)
    levels, since = np.zeros((m, g)), np.zeros((m, g), np.int64)
    rests = np.zeros((m, g))
    whole = Named.of(cohort.segments).scores.get(score.name, score)
    about = cohort.within_score(score.name)
    for place, group in enumerate(score.groups):
        levels[:, place], since[:, place] = _level(group, whole.gains(group), cohort)
        for fit in group.fits:
            rests[:, place] += np.where(holds(fit.rule, about), fit.points, 0.0)
    return Standing(score, cohort.now, levels, since, rests)


def _marks(test: Comparison) -> tuple[tuple[float, bool], ...]:
    """The values at which the comparison turns, and whether only what lies beyond counts as across."""
    numbers = test.value if isinstance(test.value, tuple) else (test.value,)
    low, high = (float(one) for one in (numbers[0], numbers[-1]) if isinstance(one, int | float))
    if test.how == "between":
        return (low, False), (high, True)
    return ((low, test.how in ("above", "at_most")),)


def _or(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit


def _level(group: Group, gains: tuple[Gain, ...], cohort: Cohort) -> tuple[Floats, Ints]:
    found = [(tape, *_picked(tape, gains, cohort.zone)) for tape in cohort.tapes]
    found = [one for one in found if len(one[1])]
    if not found:
        return np.zeros(len(cohort)), np.zeros(len(cohort), np.int64)
    if len(found) == 1:
        _, selection, codes, points = found[0]
        rows = cohort.rows
    else:
        everyone, rows = np.unique(cohort.rows, return_inverse=True)
        selection, codes, points = _woven(found, everyone)
    caps = np.array([_or(gain.most, np.inf) for gain in gains])
    pace = 1 / group.half_life.length if group.half_life else 0.0
    least, most = float(group.least), _or(group.most, np.inf)
    return gathered(*selection.columns, codes, points, caps, least, most, pace, rows, cohort.now)


def _woven(
    found: Several[tuple[Tape, Selection, Codes, Floats]], everyone: Ints
) -> tuple[Selection, Codes, Floats]:
    """The events of several tapes as one selection, with a group for each of some customers."""
    sizes = [len(selection) for _, selection, _, _ in found]
    firsts = np.cumsum([0, *sizes[:-1]])
    parts = [
        (selection, everyone, first + np.arange(len(selection)))
        for (_, selection, _, _), first in zip(found, firsts.tolist(), strict=True)
    ]
    woven, which = weave(parts, len(everyone))
    codes, points = (np.concatenate([one[place] for one in found]) for place in (2, 3))
    return woven, codes[which], points[which]


def _picked(tape: Tape, gains: tuple[Gain, ...], zone: str) -> tuple[Selection, Codes, Floats]:
    """The events that give points, of which gain each is (int32[k]) and how many it gives (float64[k]).

    An event that two gains pick stands there twice.
    """
    if not any(gain.event in tape.codes for gain in gains):
        return where.nothing(tape), np.empty(0, np.int32), np.empty(0)
    return remembered(tape, (gains, zone), lambda: _picked_anew(tape, gains, zone))


def _picked_anew(tape: Tape, gains: tuple[Gain, ...], zone: str) -> tuple[Selection, Codes, Floats]:
    picked = [where.named(tape, gain.event, gain.picks.where, zone) for gain in gains]
    sizes = [len(one) for one in picked]
    codes = np.repeat(np.arange(len(gains), dtype=np.int32), sizes)
    points = np.concatenate([_points(tape, gain, one) for gain, one in zip(gains, picked, strict=True)])
    some = [one for one in picked if len(one)]
    if len(some) == 1:
        return some[0], codes, points
    order = np.argsort(np.concatenate([one.positions for one in picked]), kind="stable")
    starts = np.sum([one.starts for one in picked], axis=0)
    columns = (
        np.concatenate([getattr(one, name) for one in picked])[order]
        for name in ("positions", "times", "received")
    )
    positions, times, received = columns
    merged = Selection(starts, positions, times, received, tape.late and falls(starts, times))
    return merged, codes[order], points[order]


def _points(tape: Tape, gain: Gain, selection: Selection) -> Floats:
    if not gain.per:
        return np.full(len(selection), gain.points)
    return values_at(tape.properties[gain.per], selection.positions).numbers * gain.points
