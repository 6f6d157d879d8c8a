"""Tells customers' tapes what they have come to: segments, thresholds of scores, stages of the lifecycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sojourn.customer.marks import SCORE_CHANGED, SEGMENT_ENTERED, SEGMENT_LEFT, keyed, keys
from sojourn.customer.segments import Crossings, Membership
from sojourn.journey.definition import DATE_REACHED
from sojourn.journey.effects import Marks
from sojourn.journey.world import World
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import LIFECYCLE_CHANGED, Scored
from sojourn.rule.evaluate import evaluate
from sojourn.rule.picks import lasts, performed
from sojourn.rule.standing.marks import CHANGES
from sojourn.rule.standing.named import Named
from sojourn.rule.standing.scoring import scored, standing
from sojourn.runtime.belonging.watched import Followed
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import Bools, Floats, Ints

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Told:
    """k things to tell, by customer and instant; what a code means is for the teller to know."""

    rows: Ints
    instants: Ints
    codes: Ints
    values: Floats

    def take(self, which: Ints) -> Told:
        return Told(self.rows[which], self.instants[which], self.codes[which], self.values[which])

    @staticmethod
    def concat(parts: Sequence[Told]) -> Told:
        """All of `parts`, one after another; at least one is needed."""
        names = ("rows", "instants", "codes", "values")
        return Told(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class Teller(Protocol):
    """Turns how customers cross over into what their tapes are told."""

    @property
    def tracks(self) -> tuple[Followed, ...]:
        """What is followed, each by its rule."""

    def told(self, starts: Sequence[Membership], crossed: Sequence[Crossings], cohort: Cohort) -> Told:
        """What is to tell of a cohort of customers who started so and crossed so, of each track."""

    def marks(self, told: Told, world: World) -> Iterator[Marks]:
        """The same as marks."""


def tellers(followed: Iterable[Followed], world: World) -> list[Teller]:
    """Who tells of these: one for each segment and threshold, one for all stages."""
    found: list[Teller] = []
    for kind, tracks in groupby(followed, key=lambda one: one.kind):
        some = tuple(tracks)
        if kind == "segment":
            found += [_OfSegment((one,)) for one in some]
        elif kind == "score":
            found += [_OfScore((one,)) for one in some]
        elif kind == "date":
            found += [_OfDate((one,)) for one in some]
        else:
            found.append(_OfLifecycle(some, world))
    return found


@dataclass(frozen=True)
class _OfSegment:
    tracks: tuple[Followed, ...]

    def told(self, starts: Sequence[Membership], crossed: Sequence[Crossings], cohort: Cohort) -> Told:
        found = crossed[0]
        return Told(
            found.rows, found.instants, found.entered.astype(np.int64), np.full(len(found.rows), np.nan)
        )

    def marks(self, told: Told, world: World) -> Iterator[Marks]:
        name, entered = self.tracks[0].name, told.codes == 1
        all_keys = keys(name, world.tape.customers[told.rows], told.instants, entered)
        for mark, those in ((SEGMENT_ENTERED, entered), (SEGMENT_LEFT, ~entered)):
            yield _marks(mark, {"segment": name}, told, all_keys, np.flatnonzero(those))


@dataclass(frozen=True)
class _OfScore:
    tracks: tuple[Followed, ...]

    def told(self, starts: Sequence[Membership], crossed: Sequence[Crossings], cohort: Cohort) -> Told:
        found = crossed[0]
        about = Cohort(cohort.tapes, found.rows, found.instants, cohort.segments, zone=cohort.zone)
        values = _worth(self.tracks[0].name, about)
        return Told(found.rows, found.instants, found.entered.astype(np.int64), np.round(values, 3))

    def marks(self, told: Told, world: World) -> Iterator[Marks]:
        one = self.tracks[0]
        customers = world.tape.customers[told.rows]
        all_keys = keyed("score", f"{one.name} {one.at!r}", customers, told.instants, told.codes)
        for rising in (True, False):
            said = {"score": one.name, "threshold": one.at, "rising": rising}
            those = np.flatnonzero(told.codes == rising)
            yield _marks(SCORE_CHANGED, said, told, all_keys, those, value=told.values)


@dataclass(frozen=True)
class _OfDate:
    tracks: tuple[Followed, ...]

    def told(self, starts: Sequence[Membership], crossed: Sequence[Crossings], cohort: Cohort) -> Told:
        found, reached = crossed[0], np.flatnonzero(crossed[0].entered)
        rows, instants = found.rows[reached], found.instants[reached]
        return Told(rows, instants, np.ones(len(rows), np.int64), np.full(len(rows), np.nan))

    def marks(self, told: Told, world: World) -> Iterator[Marks]:
        name = self.tracks[0].name
        all_keys = keyed("date", name, world.tape.customers[told.rows], told.instants, told.codes)
        yield _marks(DATE_REACHED, {"date": name}, told, all_keys, None)


class _OfLifecycle:
    """Of several stages a customer stands in the last that holds them, and before any change in the first."""

    def __init__(self, tracks: tuple[Followed, ...], world: World) -> None:
        self.tracks, self._base = tracks, len(tracks) + 1
        first = Named.of(world.segments).stages[:1]
        self._names = [*first, *(track.name for track in tracks)]
        self._begun = self._last_told(world)

    def told(self, starts: Sequence[Membership], crossed: Sequence[Crossings], cohort: Cohort) -> Told:
        rows, instants, stages = _stages(starts, crossed, cohort)
        before = np.append(0, stages[:-1])[: len(rows)]
        first = np.append(True, rows[1:] != rows[:-1])[: len(rows)]
        before[first] = self._begun[rows[first]]
        changed = np.flatnonzero(stages != before)
        codes = before[changed] * self._base + stages[changed]
        return Told(rows[changed], instants[changed], codes, np.full(len(changed), np.nan))

    def marks(self, told: Told, world: World) -> Iterator[Marks]:
        before, after = np.divmod(told.codes, self._base)
        names = np.array(self._names, np.object_)
        distinct, places = np.unique(told.codes, return_inverse=True)
        hashed = np.array([hash_text(self._said(int(code))) for code in distinct], np.int64)[places]
        all_keys = keyed("lifecycle", "", world.tape.customers[told.rows], told.instants, hashed)
        stages = {"from": names[before], "to": names[after]}
        yield _marks(LIFECYCLE_CHANGED, {}, told, all_keys, None, **stages)

    def _said(self, code: int) -> str:
        before, after = divmod(code, self._base)
        return f"{self._names[before]} → {self._names[after]}"

    def _last_told(self, world: World) -> Ints:
        """The stage that each customer's tape last told, as a code; a stage that is no more has one, too."""
        n = len(world.tape.customers)
        everybody = Cohort((world.tape,), np.arange(n), np.full(n, _ANY_TIME), world.segments)
        found = np.zeros(n, np.int64)
        for values in lasts(performed(CHANGES, everybody)).values("to"):
            for code in np.unique(values.codes[values.codes >= 0]).tolist():
                name = str(values.column.texts[code])
                if name not in self._names:
                    self._names.append(name)
                found[values.codes == code] = self._names.index(name)
        return found


_ANY_TIME = np.iinfo(np.int64).max - 1


def _marks(
    name: str,
    said: dict[str, object],
    told: Told,
    all_keys: Ints,
    which: Ints | None,
    **each: Floats | Texts,
) -> Marks:
    those = np.arange(len(told.rows)) if which is None else which
    rows, now = told.rows[those], told.instants[those]
    columns = {key: values[those] for key, values in each.items()}
    return Marks(name, said, {}, rows, now, np.zeros(len(rows), np.int64), all_keys[those], each=columns)


def _worth(score: str, about: Cohort) -> Floats:
    found = scored(Scored(score, ()), about)
    return np.zeros(len(about)) if found is None else standing(found, about, evaluate).values


def _stages(
    starts: Sequence[Membership], crossed: Sequence[Crossings], cohort: Cohort
) -> tuple[Ints, Ints, Ints]:
    """In which stage customers stand after each instant at which they crossed over or were asked anew: rows,
    instants (by both, each once) and the codes of stages."""
    asked = np.min([start.due for start in starts], axis=0)
    anew = np.flatnonzero(asked <= cohort.now)
    none = np.full(len(anew), -1)
    rows = np.concatenate([cohort.rows[anew], *(found.rows for found in crossed)])
    instants = np.concatenate([asked[anew], *(found.instants for found in crossed)])
    tracks = np.concatenate([none, *(np.full(len(found.rows), n) for n, found in enumerate(crossed))])
    entered = np.concatenate([none == 0, *(found.entered for found in crossed)])
    order = np.lexsort((instants, rows))
    rows, instants, tracks, entered = rows[order], instants[order], tracks[order], entered[order]
    places = np.searchsorted(cohort.rows, rows)
    stages = np.zeros(len(rows), np.int64)
    for n, start in enumerate(starts):
        stages[_inside(start.members[places], rows, tracks == n, entered)] = n + 1
    last = np.append((rows[1:] != rows[:-1]) | (instants[1:] != instants[:-1]), True)[: len(rows)]
    return rows[last], instants[last], stages[last]


def _inside(begun: Bools, rows: Ints, mine: Bools, entered: Bools) -> Bools:
    """Who is inside after each crossing, of which some are `mine`; before these as it was begun."""
    crossings = np.flatnonzero(mine)
    last = np.searchsorted(crossings, np.arange(len(rows)), side="right") - 1
    place = np.append(crossings, 0)[last]
    known = (last >= 0) & (rows[place] == rows)
    return np.where(known, entered[place], begun)
