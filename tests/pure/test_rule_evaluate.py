"""Rules answer over whole cohorts what a plain reading of each customer's events says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_cases import People, between, cohort, maybe_where, names, people, rules, since_entry, spans
from rule_reading import Asked, Event, counted, holds, measured

from sojourn.rule import definition as d
from sojourn.rule.evaluate import evaluate, read
from sojourn.rule.explain import trace
from sojourn.tape.build import merge

Case = tuple[People, list[Asked]]

ANYTHING = (d.Comparison("exists", True),)


@settings(max_examples=200)
@given(rules, people)
def test_a_cohort_is_read_as_each_customer_alone(rule: d.Rule, case: Case) -> None:
    crowd, asked = case
    expected = [holds(rule, one) for one in asked]
    batch = cohort(asked, (crowd.tape(),))
    assert evaluate(rule, batch).tolist() == expected
    assert evaluate(rule, batch).tolist() == expected, "what is remembered says the same"
    assert [evaluate(rule, batch.take(np.array([n])))[0] for n in range(len(asked))] == expected


@settings(max_examples=200)
@given(rules, people)
def test_marks_beside_the_tape_are_read_as_on_the_tape(rule: d.Rule, case: Case) -> None:
    crowd, asked = case
    expected = [holds(rule, one) for one in asked]
    base, marks = crowd.tape(marks=False), crowd.tape(marks=True)
    assert evaluate(rule, cohort(asked, (base, marks))).tolist() == expected
    assert evaluate(rule, cohort(asked, (merge(base, marks),))).tolist() == expected


@given(names, maybe_where, st.builds(d.Window, st.none() | spans, between, since_entry), people)
def test_what_is_looked_at_is_what_the_events_carry(
    name: str, where: tuple[d.Condition, ...], window: d.Window, case: Case
) -> None:
    edge = (d.Condition("kind", ANYTHING), d.Condition(d.WHEN, (d.Comparison("before", "2100-01-01"),)))
    measures = tuple(d.Measure(of, "total", ANYTHING) for of in ("sum", "min", "max", "avg"))
    rule = d.Performed(name, where, 1, None, measures, edge, edge, window)
    crowd, asked = case
    batch = cohort(asked, (crowd.tape(marks=False), crowd.tape(marks=True)))
    reading = read(rule, batch)
    for n, one in enumerate(asked):
        events = counted(rule, one)
        expected = {
            "times": len(events),
            **{f"{of.of} of total": measured(of.of, "total", events) for of in measures},
            **_edge("first", events[:1]),
            **_edge("last", events[-1:]),
        }
        assert trace(rule, batch).of(n)["inputs"] == expected
        assert reading.inputs["times"][n] == len(events)


def _edge(which: str, events: list[Event]) -> dict[str, object]:
    kind = events[0].properties.get("kind") if events else None
    when = f"{np.datetime64(events[0].time, 'us')}Z" if events else None
    return {f"{which} kind": kind, f"{which} when": when}


@given(rules, people)
def test_a_trace_answers_as_the_rule_does(rule: d.Rule, case: Case) -> None:
    crowd, asked = case
    batch = cohort(asked, (crowd.tape(marks=False), crowd.tape(marks=True)))
    traced = trace(rule, batch)
    assert traced.answer.tolist() == evaluate(rule, batch).tolist()
    assert [traced.of(n)["answer"] for n in range(len(asked))] == traced.answer.tolist()
