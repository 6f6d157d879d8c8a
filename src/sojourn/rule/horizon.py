"""Tells until when a rule keeps its answer if nothing else happens: when time alone may change it."""

from __future__ import annotations

from collections.abc import Sequence as Several
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import Values, holds_one, next_change, next_turn, number_holds
from sojourn.rule.definition import (
    WHEN,
    All,
    Any,
    Bucket,
    Comparison,
    Condition,
    Entry,
    InSegment,
    InStage,
    Leaf,
    Not,
    OnList,
    Outcome,
    Performed,
    Rule,
    Scored,
    Sequence,
    Trait,
    Window,
)
from sojourn.rule.evaluate import edge_holds, entered_with, evaluate, read
from sojourn.rule.picks import (
    Edge,
    Picks,
    counts,
    firsts,
    lasts,
    linked,
    measured,
    outcomes,
    performed,
    traits,
)
from sojourn.rule.standing.scoring import scored, standing
from sojourn.tape.kernels.nth_last import nth_last
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Ints


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a rule answers now, and the earliest instant at which time alone may change that."""

    answer: Bools  # bool[m]
    change: Ints  # int64[m], > now, NEVER if it never does

    def __invert__(self) -> Outlook:
        return Outlook(~self.answer, self.change)


def horizon(rule: Rule, cohort: Cohort) -> Ints:
    """The earliest instant, microseconds UTC, at which time alone may change the answer.

    int64[m], always > now, NEVER where it cannot.  As long as no event comes, the answer stays what it
    is until then.
    """
    return _outlook(rule, cohort).change


def _outlook(rule: Rule, cohort: Cohort) -> Outlook:
    match rule:
        case All(rules):
            return _all([_outlook(one, cohort) for one in rules], cohort)
        case Any(rules):
            return ~_all([~_outlook(one, cohort) for one in rules], cohort)
        case Not(negated):
            return ~_outlook(negated, cohort)
        case InSegment(segment):
            known = cohort.segments.get(segment, Any(()))
            return _outlook(known, cohort.within(segment))
        case _:
            return _of_leaf(rule, cohort)


def _all(parts: Several[Outlook], cohort: Cohort) -> Outlook:
    """All that hold must go on to; of those that do not, the last to change keeps the whole from holding."""
    answer = np.ones(len(cohort), np.bool_)
    soonest, latest_false = np.full(len(cohort), NEVER), np.full(len(cohort), LONG_AGO)
    for part in parts:
        answer &= part.answer
        soonest = np.minimum(soonest, part.change)
        latest_false = np.where(part.answer, latest_false, np.maximum(latest_false, part.change))
    return Outlook(answer, np.where(answer, soonest, latest_false))


def _of_leaf(leaf: Leaf, cohort: Cohort) -> Outlook:
    match leaf:
        case Trait(name, tests):
            return _of_values(tests, traits(cohort, name), cohort)
        case Entry(name, tests):
            return _of_values(tests, entered_with(cohort, name), cohort)
        case Performed():
            return _of_performed(leaf, cohort)
        case Outcome():
            return _of_count(1, None, outcomes(leaf, cohort), leaf.window)
        case Sequence():
            return Outlook(read(leaf, cohort).answer, _leaves(firsts(linked(leaf, cohort)), leaf.window))
        case Scored():
            return _of_scored(leaf, cohort)
        case Bucket() | InStage() | OnList():
            return Outlook(read(leaf, cohort).answer, np.full(len(cohort), NEVER))
        case _:
            assert_never(leaf)


def _of_values(tests: tuple[Comparison, ...], values: tuple[Values, ...], cohort: Cohort) -> Outlook:
    now, zone = cohort.now, cohort.zone
    return _all(
        [
            Outlook(holds_one(test, values, now, zone), next_change((test,), values, now, zone))
            for test in tests
        ],
        cohort,
    )


def _of_performed(rule: Performed, cohort: Cohort) -> Outlook:
    picks = performed(rule, cohort)
    parts = [_of_count(rule.least, rule.most, picks, rule.window)]
    if rule.measures:
        leaves = _leaves(firsts(picks), rule.window)
        for measure in rule.measures:
            number = measured(picks, measure.of, measure.name)
            parts.append(Outlook(number_holds(measure.tests, number), leaves))
    for conditions, find in ((rule.first, firsts), (rule.last, lasts)):
        if conditions:
            edge = find(picks)
            leaves = _leaves(edge, rule.window)
            for condition in conditions:
                change = np.minimum(leaves, _edge_change(condition, edge, cohort))
                parts.append(Outlook(edge_holds(condition, edge, cohort), change))
    return _all(parts, cohort)


def _of_scored(leaf: Scored, cohort: Cohort) -> Outlook:
    """The score changes as it fades, and as what it gives points for begins or ends to hold."""
    score = scored(leaf, cohort)
    if score is None:
        return Outlook(np.zeros(len(cohort), np.bool_), np.full(len(cohort), NEVER))
    now, about = standing(score, cohort, evaluate), cohort.within_score(score.name)
    change = now.change(leaf.tests)
    for fit in (fit for group in score.groups for fit in group.fits):
        change = np.minimum(change, horizon(fit.rule, about))
    return Outlook(number_holds(leaf.tests, now.values), change)


def _edge_change(condition: Condition, edge: Edge, cohort: Cohort) -> Ints:
    """When time alone changes what is asked of the event, as long as it is this one."""
    if condition.name != WHEN:
        return next_change(condition.tests, edge.values(condition.name), cohort.now, cohort.zone)
    found = np.full(len(cohort), NEVER)
    for test in condition.tests:
        found = np.minimum(found, next_turn(test, edge.times(), cohort.now))
    return found


def _of_count(least: int, most: int | None, picks: Picks, window: Window) -> Outlook:
    """As time passes events only leave a window, so the count falls: through `most`, then `least`."""
    times = counts(picks)
    over = np.zeros(len(times), np.bool_) if most is None else times > most
    answer = (times >= least) & ~over
    change = np.full(len(times), NEVER)
    # The answer changes as the n-th latest event leaves: one more than `most`, or `least` itself.
    nth = np.where(over, (most or 0) + 1, least)
    falls = np.flatnonzero((over | answer) & (nth > 0))
    if window.within is not None and len(falls):
        change[falls] = _leaving(nth, picks, window)[falls]
    return Outlook(answer, change)


def _leaving(nth: Ints, picks: Picks, window: Window) -> Ints:
    """When the n-th latest event leaves the window; where that is hard to tell, when the first does."""
    if (nth <= 1).all():
        return _leaves(lasts(picks), window)
    if len(picks.picks) > 1 or window.between is not None:
        return _leaves(firsts(picks), window)
    pick = picks.picks[0]
    index = nth_last(pick.selection, pick.rows, picks.now, np.maximum(nth, 1))
    return _leaves(Edge(picks, (index,)), window)


def _leaves(edge: Edge, window: Window) -> Ints:
    """The instant at which the event is too old for the window: int64[m], NEVER if there is none."""
    when = edge.counted_times()
    if window.within is None:
        return np.full(len(when), NEVER)
    known = when != LONG_AGO
    return np.where(known, np.where(known, when, 0) + window.within.length + 1, NEVER)
