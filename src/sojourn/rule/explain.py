"""Explains a rule: what it says, and what it saw of each customer when it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import Values
from sojourn.rule.definition import All, Any, InSegment, Not, Rule
from sojourn.rule.evaluate import Input, read
from sojourn.rule.text.sentence import sentence
from sojourn.tape.tape import Bools


@dataclass(frozen=True, eq=False)
class Trace:
    """What one part of a rule answered for m askings, what it looked at, and the parts it is made of."""

    sentence: str
    answer: Bools  # bool[m]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    parts: tuple[Trace, ...] = ()

    def of(self, asking: int) -> dict[str, object]:
        """One asking's answers, and what was looked at as plain values (None where there is none)."""
        inputs = {name: _plain(values, asking) for name, values in self.inputs.items()}
        parts = [part.of(asking) for part in self.parts]
        return {"rule": self.sentence, "answer": bool(self.answer[asking]), "inputs": inputs, "parts": parts}


def explain(rule: Rule) -> str:
    """The rule as an English sentence about a customer, “they”."""
    return sentence(rule)


def trace(rule: Rule, cohort: Cohort) -> Trace:
    """What `evaluate` answers, part by part, with the arrays that it looked at."""
    match rule:
        case All(rules):
            parts = tuple(trace(one, cohort) for one in rules)
            answer = reduce(np.logical_and, (part.answer for part in parts), np.ones(len(cohort), np.bool_))
        case Any(rules):
            parts = tuple(trace(one, cohort) for one in rules)
            answer = reduce(np.logical_or, (part.answer for part in parts), np.zeros(len(cohort), np.bool_))
        case Not(negated):
            parts = (trace(negated, cohort),)
            answer = ~parts[0].answer
        case InSegment(segment):
            parts = (trace(cohort.segments.get(segment, Any(())), cohort.within(segment)),)
            answer = parts[0].answer
        case _:
            reading = read(rule, cohort)
            return Trace(explain(rule), reading.answer, reading.inputs)
    return Trace(explain(rule), answer, {}, parts)


def _plain(values: Input, asking: int) -> object:
    """The number, text or instant (ISO 8601, UTC) that an asking has in an input."""
    if isinstance(values, tuple):
        return next((found for part in values if (found := _plain_of(part, asking)) is not None), None)
    value = values[asking]
    if np.isnat(value) if isinstance(value, np.datetime64) else value != value:
        return None
    return f"{value}Z" if isinstance(value, np.datetime64) else value.item()


def _plain_of(values: Values, asking: int) -> object:
    if values.codes[asking] >= 0:
        return values.column.texts[values.codes[asking]]
    number = float(values.numbers[asking])
    return None if np.isnan(number) else number
