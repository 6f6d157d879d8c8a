"""Certain: what a rule answers about everybody, where that can be told without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sojourn.rule.definition import (
    All,
    Any,
    Bucket,
    Comparison,
    Entry,
    Not,
    Performed,
    Rule,
    Trait,
)

_FLOORS = ("above", "at_least")
_CEILINGS = ("below", "at_most")


def certain(rule: Rule) -> bool | None:
    """True if the rule always holds, False if it never does, None if that depends."""
    match rule:
        case All(rules):
            return _all([certain(one) for one in rules], _clash(rules))
        case Any(rules):
            return _not(_all([_not(certain(one)) for one in rules], clash=False))
        case Not(negated):
            return _not(certain(negated))
        case Trait(_, tests) | Entry(_, tests):
            return False if _contradict(tests) else None
        case Bucket(below, of, _):
            return False if below == 0 else True if below == of else None
        case Performed():
            picked = [one.tests for one in rule.where] if rule.least else []
            asked = picked + [one.tests for one in rule.measures]
            return False if any(_contradict(tests) for tests in asked) else None
        case _:
            return None


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _all(answers: Sequence[bool | None], clash: bool) -> bool | None:
    if clash or False in answers:
        return False
    return True if all(answers) else None


def _clash(rules: Iterable[Rule]) -> bool:
    """Whether two of the rules ask of one trait what cannot both be so."""
    tests: dict[tuple[bool, str], list[Comparison]] = {}
    for rule in rules:
        match rule:
            case Trait(name, asked) | Entry(name, asked):
                tests.setdefault((isinstance(rule, Trait), name), []).extend(asked)
    return any(_contradict(asked) for asked in tests.values())


def _contradict(tests: Iterable[Comparison]) -> bool:
    """Whether no value passes all of the tests."""
    asked = list(tests)
    if any(test.how == "exists" and test.value is False for test in asked) and len(asked) > 1:
        return any(not (test.how == "exists" and test.value is False) for test in asked)
    allowed = [_values(test) for test in asked if test.how in ("is", "in")]
    if allowed and not set.intersection(*allowed):
        return True
    return _nothing_between(asked)


def _values(test: Comparison) -> set[object]:
    return set(test.value) if isinstance(test.value, tuple) else {test.value}


def _nothing_between(tests: Iterable[Comparison]) -> bool:
    """Whether no number is above all floors and below all ceilings."""
    floor, ceiling = -np.inf, np.inf
    for test in tests:
        low, high = _bounds(test)
        floor, ceiling = max(floor, low), min(ceiling, high)
    return bool(floor > ceiling)


def _bounds(test: Comparison) -> tuple[float, float]:
    """From where to where the numbers reach that pass; a bound that is not included is the next number."""
    match test.value:
        case bool():
            return -np.inf, np.inf
        case int() | float() as number if test.how in _FLOORS:
            return (float(np.nextafter(number, np.inf)) if test.how == "above" else number), np.inf
        case int() | float() as number if test.how in _CEILINGS:
            return -np.inf, (float(np.nextafter(number, -np.inf)) if test.how == "below" else number)
        case int() | float() as number if test.how == "is":
            return number, number
        case (int() | float() as low, int() | float() as high) if test.how == "between":
            return low, high
        case _:
            return -np.inf, np.inf
