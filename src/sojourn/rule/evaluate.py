"""Evaluates a rule for a whole cohort at once: the one reading that everything else relies on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, assert_never

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from sojourn.rule import where
from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import Values, holds, number_holds, passes_by_date, values_at
from sojourn.rule.definition import (
    WHEN,
    All,
    Any,
    Bucket,
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
    Standing,
    Trait,
)
from sojourn.rule.picks import Edge, counts, firsts, lasts, linked, measured, outcomes, performed, traits
from sojourn.rule.standing.marks import in_stage, on_list
from sojourn.rule.standing.scoring import scored, standing
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.kernels.chain import chain
from sojourn.tape.tape import NEVER, Bools, Floats, Ints
from sojourn.tape.weave import weave

Instants: TypeAlias = npt.NDArray[np.datetime64]
Input: TypeAlias = Ints | Floats | Instants | tuple[Values, ...]
"""What a leaf looked at, for each asking: a number, an instant or a value of a column."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What a leaf answers for m askings, and the arrays that it looked at."""

    answer: Bools
    inputs: Mapping[str, Input] = field(default_factory=dict)


def evaluate(rule: Rule, cohort: Cohort) -> Bools:
    """Whether the rule holds for each asking: bool[m].

    What is unknown (a trait, a property, a segment, a run) compares false.
    """
    match rule:
        case All(rules) | Any(rules):
            asked = [partial(evaluate, one) for one in rules]
            return _narrowed(asked, cohort, undecided=isinstance(rule, All))
        case Not(negated):
            return ~evaluate(negated, cohort)
        case InSegment(segment):
            known = cohort.segments.get(segment)
            return _nobody(cohort) if known is None else evaluate(known, cohort.within(segment))
        case Performed() if rule.measures or rule.first or rule.last:
            # Who has not done it often enough need not be asked what else there is to it.
            often_enough = replace(rule, measures=(), first=(), last=())
            return _narrowed([partial(_answer, often_enough), partial(_answer, rule)], cohort, undecided=True)
        case _:
            return _answer(rule, cohort)


def read(leaf: Leaf, cohort: Cohort) -> Reading:
    """What a leaf answers, with what it looked at; `evaluate` and `trace` both ask this."""
    match leaf:
        case Trait(name, tests):
            values = traits(cohort, name)
            return Reading(holds(tests, values, cohort.now, cohort.zone), {name: values})
        case Entry(name, tests):
            values = entered_with(cohort, name)
            return Reading(holds(tests, values, cohort.now, cohort.zone), {name: values})
        case Performed():
            return _performed(leaf, cohort)
        case Sequence():
            return Reading(_in_turn(leaf, cohort))
        case Outcome(what):
            times = counts(outcomes(leaf, cohort))
            return Reading(times > 0, {what: times})
        case Bucket(below, of, salt):
            places = mix(hash_text(salt), cohort.tapes[0].customers[cohort.rows]) % of
            return Reading(places < below, {"place": places})
        case _:
            return _read_standing(leaf, cohort)


def entered_with(cohort: Cohort, name: str) -> tuple[Values, ...]:
    """The property of the event by which each run entered."""
    if cohort.entries is None:
        return ()
    carrying = [tape for tape in cohort.tapes if len(tape.keys) and len(tape.properties[name].positions)]
    return tuple(values_at(tape.properties[name], where.keyed(tape, cohort.entries)) for tape in carrying)


def edge_holds(condition: Condition, edge: Edge, cohort: Cohort) -> Bools:
    """Whether the first or last event meets the condition, as of now: bool[m]."""
    if condition.name != WHEN:
        return holds(condition.tests, edge.values(condition.name), cohort.now, cohort.zone)
    when, passes = edge.times(), np.ones(len(cohort), np.bool_)
    for test in condition.tests:
        passes &= passes_by_date(test, when, cohort.now, cohort.zone)
    return passes


def _narrowed(asked: Several[Callable[[Cohort], Bools]], cohort: Cohort, *, undecided: bool) -> Bools:
    """Ask each question only about those whom the ones before have left undecided."""
    answer = np.full(len(cohort), undecided)
    for ask in asked:
        those = np.flatnonzero(answer == undecided)
        if not len(those):
            break
        answer[those] = ask(cohort if len(those) == len(cohort) else cohort.take(those))
    return answer


def _answer(leaf: Leaf, cohort: Cohort) -> Bools:
    return read(leaf, cohort).answer


def _nobody(cohort: Cohort) -> Bools:
    return np.zeros(len(cohort), np.bool_)


def _performed(rule: Performed, cohort: Cohort) -> Reading:
    picks = performed(rule, cohort)
    times = counts(picks)
    answer, inputs = times >= rule.least, dict[str, Input](times=times)
    if rule.most is not None:
        answer &= times <= rule.most
    for measure in rule.measures:
        number = measured(picks, measure.of, measure.name)
        answer &= number_holds(measure.tests, number)
        inputs[f"{measure.of} of {measure.name}"] = number
    for which, conditions, find in (("first", rule.first, firsts), ("last", rule.last, lasts)):
        if conditions:
            edge = find(picks)
            inputs |= _looked_at(which, conditions, edge)
            for condition in conditions:
                answer &= edge_holds(condition, edge, cohort)
    return Reading(answer, inputs)


def _read_standing(leaf: Standing, cohort: Cohort) -> Reading:
    match leaf:
        case Scored():
            return _scored(leaf, cohort)
        case InStage():
            answer, stage = in_stage(leaf, cohort)
            return Reading(answer, {"stage": stage})
        case OnList():
            answer, joined, left = on_list(leaf, cohort)
            return Reading(answer, {"joined": _instants(joined), "left": _instants(left)})
        case _:
            assert_never(leaf)


def _scored(leaf: Scored, cohort: Cohort) -> Reading:
    score = scored(leaf, cohort)
    if score is None:
        return Reading(_nobody(cohort))
    now = standing(score, cohort, evaluate)
    groups = now.by_group() if len(score.groups) > 1 else {}
    values = now.values
    inputs = {"score": values, **{f"of it {name}": part for name, part in groups.items()}}
    return Reading(number_holds(leaf.tests, values), inputs)


def _in_turn(rule: Sequence, cohort: Cohort) -> Bools:
    picks = linked(rule, cohort)
    brings = [where.linked(pick.tape, rule.links, cohort.zone)[1] for pick in picks.picks]
    within = int(NEVER) if rule.within is None else rule.within.length
    if not brings:
        return _nobody(cohort)
    if len(brings) == 1:
        selection, rows, links = picks.picks[0].selection, picks.picks[0].rows, brings[0]
    else:
        parts = [(pick.selection, pick.rows, bits) for pick, bits in zip(picks.picks, brings, strict=True)]
        selection, links = weave(parts, len(cohort))
        rows = np.arange(len(cohort))
    return chain(selection, links, len(rule.links), rows, *picks.window, within)


def _looked_at(which: str, conditions: tuple[Condition, ...], edge: Edge) -> dict[str, Input]:
    return {
        f"{which} {condition.name}": _instants(edge.times())
        if condition.name == WHEN
        else edge.values(condition.name)
        for condition in conditions
    }


def _instants(times: Ints) -> Instants:
    return times.astype("datetime64[us]")
