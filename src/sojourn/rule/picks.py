"""Reads the events that a condition picks for each asking: how many, the first, the last, their sums."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Several
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sojourn.rule import where
from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import Values, values_at
from sojourn.rule.definition import Measured, Outcome, Performed, Sequence, Window
from sojourn.rule.span import extent
from sojourn.tape.kernels.as_of import write_as_of
from sojourn.tape.kernels.count import count
from sojourn.tape.kernels.first_last import first, last
from sojourn.tape.kernels.order import falls
from sojourn.tape.kernels.tally import tally
from sojourn.tape.memory import remembered
from sojourn.tape.selection import Selection
from sojourn.tape.tape import LONG_AGO, NEVER, Floats, Ints, Tape


@dataclass(frozen=True, eq=False)
class Pick:
    """What a condition picks from one tape; each asking reads the group of the selection in its row."""

    tape: Tape
    selection: Selection
    rows: Ints  # int64[m]


@dataclass(frozen=True, eq=False)
class Picks:
    """What a condition picks for m askings from those tapes that have any of it, and its window."""

    picks: tuple[Pick, ...]
    now: Ints  # int64[m]
    since: Ints  # int64[m], included
    until: Ints  # int64[m], excluded

    @property
    def window(self) -> tuple[Ints, Ints, Ints]:
        """What the kernels ask for."""
        return self.now, self.since, self.until


@dataclass(frozen=True, eq=False)
class Edge:
    """The first or the last event picked for each asking: an index on one of the selections."""

    picks: Picks
    indexes: tuple[Ints, ...]  # for each pick int64[m], -1 where the event is none of its

    def times(self) -> Ints:
        """When it happened: int64[m], LONG_AGO where there is none."""
        return self._gathered(lambda pick: pick.tape.times[pick.selection.positions])

    def counted_times(self) -> Ints:
        """The time by which the window counts it: int64[m], LONG_AGO where there is none."""
        return self._gathered(lambda pick: pick.selection.times)

    def values(self, name: str) -> tuple[Values, ...]:
        """What it carries of a property."""
        parts = zip(self.picks.picks, self.indexes, strict=True)
        return tuple(
            values_at(pick.tape.properties[name], np.where(index < 0, -1, pick.selection.positions[index]))
            for pick, index in parts
        )

    def _gathered(self, instants: Callable[[Pick], Ints]) -> Ints:
        found = np.full(len(self.picks.now), LONG_AGO)
        for pick, index in zip(self.picks.picks, self.indexes, strict=True):
            known = index >= 0
            found[known] = instants(pick)[index[known]]
        return found


def performed(rule: Performed, cohort: Cohort) -> Picks:
    """The events that the rule counts."""
    found = [(tape, where.named(tape, rule.event, rule.where, cohort.zone)) for tape in cohort.tapes]
    return _picks(cohort, rule.window, [Pick(tape, one, cohort.rows) for tape, one in found])


def linked(rule: Sequence, cohort: Cohort) -> Picks:
    """The events that may be one of the sequence's links."""
    found = [Pick(tape, where.linked(tape, rule.links, cohort.zone)[0], cohort.rows) for tape in cohort.tapes]
    return _picks(cohort, rule.window, found)


def outcomes(rule: Outcome, cohort: Cohort) -> Picks:
    """The outcomes of messages that the rule counts; of this run's step, only those of the run."""
    found = [(tape, where.told(tape, rule, cohort.journey, cohort.zone)) for tape in cohort.tapes]
    if not where.of_this_run(rule):
        return _picks(cohort, rule.window, [Pick(tape, one, cohort.rows) for tape, one in found])
    if cohort.runs is None or not cohort.journey:
        return _picks(cohort, rule.window, [])
    runs = cohort.runs
    return _picks(cohort, rule.window, [_of_runs(tape, one, runs) for tape, one in found if len(tape.runs)])


def counts(picks: Picks) -> Ints:
    """How many events each asking has: int64[m]."""
    found = np.zeros(len(picks.now), np.int64)
    for pick in picks.picks:
        found += count(pick.selection, pick.rows, *picks.window)
    return found


def firsts(picks: Picks) -> Edge:
    """Each asking's first event by time, of several at one time the one that we met first."""
    indexes = [first(pick.selection, pick.rows, *picks.window) for pick in picks.picks]
    return Edge(picks, _winners(indexes, [_order(pick.selection, -1) for pick in picks.picks]))


def lasts(picks: Picks) -> Edge:
    """Each asking's last event by time, of several at one time the one that we met last."""
    indexes = [last(pick.selection, pick.rows, *picks.window) for pick in picks.picks]
    return Edge(picks, _winners(indexes, [_order(pick.selection, 1) for pick in picks.picks]))


def measured(picks: Picks, of: Measured, name: str) -> Floats:
    """The sum, least, greatest or mean of a property: float64[m], NaN where no event carries a number."""
    m = len(picks.now)
    sums, known = np.zeros(m), np.zeros(m, np.int64)
    least, greatest = np.full(m, np.nan), np.full(m, np.nan)
    for pick in picks.picks:
        numbers = remembered(pick.selection, ("numbers", name), partial(_numbers, pick, name))
        one_sum, one_least, one_greatest, one_known = tally(pick.selection, numbers, pick.rows, *picks.window)
        sums, known = sums + one_sum, known + one_known
        least, greatest = np.fmin(least, one_least), np.fmax(greatest, one_greatest)
    with np.errstate(invalid="ignore"):  # of no numbers there is no mean
        asked = {"sum": np.where(known > 0, sums, np.nan), "min": least, "max": greatest, "avg": sums / known}
    return asked[of]


def traits(cohort: Cohort, name: str) -> tuple[Values, ...]:
    """Each asking's value of a trait as of now: the last write, by time and then by key of the event."""
    tapes = [tape for tape in cohort.tapes if len(tape.traits[name].positions)]
    columns = [tape.traits[name] for tape in tapes]
    indexes = [write_as_of(tape, tape.traits[name], cohort.rows, cohort.now) for tape in tapes]
    orders = [
        (tape.times[column.positions], (tape.keys if len(tape.keys) else tape.received)[column.positions])
        for tape, column in zip(tapes, columns, strict=True)
        if len(tapes) > 1
    ]
    won = _winners(indexes, orders)
    return tuple(Values(column, index) for column, index in zip(columns, won, strict=True))


def _picks(cohort: Cohort, window: Window, picks: Several[Pick]) -> Picks:
    """Only the tapes that have any of the events; the window of each asking."""
    picks = [pick for pick in picks if len(pick.selection)]
    since, until = _each(LONG_AGO, cohort), _each(NEVER, cohort)
    if window.since_entry:
        picks = [replace(pick, selection=_as_met(pick.selection)) for pick in picks]
        since = _each(NEVER, cohort) if cohort.since is None else cohort.since + 1
    if window.within is not None:
        begins = cohort.now - window.within.length
        since = np.maximum(since, begins) if window.since_entry else begins
    if window.between is not None:
        since = np.maximum(since, extent(window.between[0], cohort.zone)[0])
        until = _each(np.int64(extent(window.between[1], cohort.zone)[1]), cohort)
    return Picks(tuple(picks), cohort.now, since, until)


def _each(instant: np.int64, cohort: Cohort) -> Ints:
    """The same instant for each asking, in no memory."""
    return np.broadcast_to(instant, len(cohort))


def _as_met(selection: Selection) -> Selection:
    """The same events counted by when we met them, as a run does."""
    return remembered(selection, "as met", lambda: replace(selection, times=selection.received, late=False))


def _of_runs(tape: Tape, selection: Selection, runs: Ints) -> Pick:
    """The selection in groups of runs, where each asking reads its own run's."""
    ids, grouped = remembered(selection, "by run", lambda: _by_run(tape, selection))
    place = np.searchsorted(ids, runs)
    own = np.append(ids, 0)[place] == runs
    return Pick(tape, grouped, np.where(own, place, len(ids)))


def _by_run(tape: Tape, selection: Selection) -> tuple[Ints, Selection]:
    """The runs that the events belong to, and the events by run; a last group holds nothing."""
    runs = tape.runs[selection.positions]
    order = np.lexsort((selection.received, runs))
    ids, begins = np.unique(runs[order], return_index=True)
    starts = np.append(begins, (len(runs), len(runs)))
    times = selection.times[order]
    columns = selection.positions[order], times, selection.received[order]
    return ids, Selection(starts, *columns, falls(starts, times))


def _order(selection: Selection, sign: int) -> tuple[Ints, Ints]:
    return sign * selection.times, sign * selection.received


def _winners(indexes: Several[Ints], orders: Several[tuple[Ints, Ints]]) -> tuple[Ints, ...]:
    """Of the events at these indexes, one a selection, the greatest in order; the others become -1."""
    if len(indexes) < 2:
        return tuple(indexes)
    winner = np.full(len(indexes[0]), -1)
    most, next_most = np.full(len(winner), LONG_AGO), np.full(len(winner), LONG_AGO)
    for number, (index, (times, ties)) in enumerate(zip(indexes, orders, strict=True)):
        time, tie = times[index], ties[index]
        wins = (index >= 0) & ((time > most) | ((time == most) & (tie > next_most)))
        winner = np.where(wins, number, winner)
        most, next_most = np.where(wins, time, most), np.where(wins, tie, next_most)
    return tuple(np.where(winner == number, index, -1) for number, index in enumerate(indexes))


def _numbers(pick: Pick, name: str) -> Floats:
    return values_at(pick.tape.properties[name], pick.selection.positions).numbers
