"""What is wrong with a journey is found before anybody meets it, and named with its step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from journey_cases import journeys
from rule_cases import People, cohort, people, rules

from sojourn.customer.lifecycle import Stage
from sojourn.customer.references import Definitions
from sojourn.customer.scores import parse as parse_score
from sojourn.journey.check import ERROR, WARNING, Known, check
from sojourn.journey.check.certain import certain
from sojourn.journey.definition import Journey
from sojourn.journey.text import read_journey
from sojourn.rule import definition as d
from sojourn.rule.evaluate import evaluate
from sojourn.rule.text import parse

ROOT = Path(__file__).parents[2]
HEAD = "journey: x\nenter: [{event: A}]\n"
P = "{if: {trait: p, is: 1}"  # the beginning of a way
ASKS_ITSELF = """journey: x
enter: [{api: true, again: after leaving}]
steps: {b: {emit_event: {name: Journey Requested, properties: {journey: x}}}}"""


def found(text: str, known: Known | None = None) -> list[tuple[str, str, str]]:
    journey = read_journey(text if text.startswith("journey") else f"{HEAD}{text}")
    return [
        (one.severity, one.step, one.what) for one in (check(journey, known) if known else check(journey))
    ]


def test_nothing_is_wrong_with_a_good_journey() -> None:
    assert found("steps: {a: {send: {template: t, purpose: p}}, b: {wait: 1 day}, c: {leave: done}}") == []


FINDINGS = [
    # steps that nobody comes to, or nobody leaves
    ("steps: {a: {wait: 1 day, then: c}, b: {wait: 1 day}, c: {leave: x}}", ERROR, "b", "no way leads here"),
    ("steps: {a: {leave: x}, b: {wait: 1 day}}", ERROR, "b", "'a' before it leaves"),
    ("steps: {a: {wait: 1 day, then: a}}", WARNING, "a", "nobody ever leaves the journey"),
    ("steps: {a: {wait: 1 day}, b: {wait: 1 day, then: a}}", WARNING, "b", "nobody ever leaves"),
    ("steps: {a: {wait_for: [{event: B}]}}", WARNING, "a", "waits for ever"),
    # loops without a hold
    ("steps: {a: {set_trait: {b: 1}, then: a}}", ERROR, "a", "round this loop for ever"),
    ("steps: {a: {send: t}, b: {emit_event: e, then: a}}", ERROR, "b", "round this loop for ever"),
    ("steps: {a: {send: t}, b: {split: [{then: a}, {then: c}]}, c: {leave: x}}", ERROR, "a", "this loop"),
    (
        f"steps: {{a: {{wait: 1 day}}, b: {{branch: [{P}, then: b}}], otherwise: c}}, c: {{leave: x}}}}",
        ERROR,
        "b",
        "this loop",
    ),
    ("steps: {a: {wait_until: {time: '09:00'}}, b: {send: t, then: a}}", ERROR, "a", "this loop"),
    (
        "steps: {a: {wait_for: [{event: B, since: entry, then: b}], at_most: 1 day}, b: {send: t, then: a}}",
        ERROR,
        "b",
        "this loop",
    ),
    (
        "steps: {a: {wait_for: [{if: {trait: p, is: 1}, then: a}], at_most: 1 day}}",
        ERROR,
        "a",
        "this loop",
    ),
    # what decides nothing
    ("steps: {a: {branch: [{if: {trait: p, is: 1}}]}, b: {wait: 1 day}}", WARNING, "a", "lead to 'b'"),
    ("steps: {a: {split: [{}, {}]}}", WARNING, "a", "all of its exits lead to the end"),
    (
        f"steps: {{a: {{branch: [{P}}}, {P}, then: c}}]}}, b: {{wait: 1 day}}, c: {{leave: x}}}}",
        WARNING,
        "a",
        "way 2: it stands behind the same condition",
    ),
    (
        f"steps: {{a: {{branch: [{{if: {{all: []}}}}, {P}, then: c}}]}}, b: {{leave: y}}, c: {{leave: x}}}}",
        WARNING,
        "a",
        "way 2: it stands behind a condition that always holds",
    ),
    (
        "steps: {a: {branch: [{if: {trait: q, above: 3, is: 2}}], otherwise: b}, b: {leave: x}}",
        WARNING,
        "a",
        "way 1: its condition never holds",
    ),
    # goals and exits
    ("goal: {any: []}\nsteps: {a: {wait: 1 day}}", WARNING, "", "nobody can ever reach the goal"),
    (
        "goal: {event: B, where: {total: {above: 9, below: 3}}}\nsteps: {a: {wait: 1 day}}",
        WARNING,
        "",
        "nobody can ever reach the goal",
    ),
    ("goal: {all: []}\nsteps: {a: {wait: 1 day}}", WARNING, "", "everybody has reached the goal"),
    ("leave_if: {not: {any: []}}\nsteps: {a: {wait: 1 day}}", WARNING, "", "everybody leaves at once"),
    # names
    (
        "steps: {hello: {send: t}, b: {branch: [{if: {clicked: helo}}]}, c: {leave: x}}",
        ERROR,
        "b",
        "'hello'?",
    ),
    ("goal: {clicked: b}\nsteps: {a: {send: t}, b: {wait: 1 day}}", ERROR, "", "that is no step that sends"),
    ("steps: {a: {send: t}}", WARNING, "a", "says no purpose"),
    # journeys that call themselves
    (
        "journey: x\nenter: [{event: B, again: parallel}]\nsteps: {a: {wait: 1 day}, b: {emit_event: B}}",
        ERROR,
        "b",
        "its own event 'B' lets customers in again",
    ),
    (
        "journey: x\nenter: [{event: B, again: after leaving}]\nsteps: {a: {wait: 9 h}, b: {emit_event: B}}",
        ERROR,
        "b",
        "its own event 'B'",
    ),
    (
        "journey: x\nenter: [{event: Journey Left, again: after leaving}]\nsteps: {a: {wait: 1 day}}",
        ERROR,
        "",
        "its own event 'Journey Left'",
    ),
    (
        f"journey: x\nenter: [{{event: B, {P[1:]}, again: parallel}}]\nsteps: {{b: {{emit_event: B}}}}",
        WARNING,
        "b",
        "its own event 'B'",
    ),
    (
        ASKS_ITSELF,
        ERROR,
        "b",
        "its own event 'Journey Requested'",
    ),
]


@pytest.mark.parametrize(("text", "severity", "step", "what"), FINDINGS)
def test_what_is_wrong_is_found(text: str, severity: str, step: str, what: str) -> None:
    said = found(text)
    assert any((one[0], one[1]) == (severity, step) and what in one[2] for one in said), said


FINE = [
    # a loop with a wait in it, whichever way it goes round
    "goal: {event: B}\nsteps: {a: {send: {template: t, purpose: p}}, b: {wait: 1 hour, then: a}}",
    "goal: {event: B}\nsteps: {a: {wait_for: [{event: C, then: a}], at_most: 1 day, otherwise: a}}",
    # all ways of a wait may lead on to the same step: it waits
    "steps: {a: {wait_for: [{event: B}], at_most: 1 day}, b: {leave: x}}",
    # events of its own that lead nobody round
    "journey: x\nenter: [{event: B, again: never}]\nsteps: {b: {emit_event: B}}",
    "journey: x\nenter: [{event: B, again: after 1 day}]\nsteps: {b: {emit_event: B}}",
    "journey: x\nenter: [{event: B, again: after leaving}]\nsteps: {b: {emit_event: B}, c: {wait: 9 h}}",
    """journey: x
enter: [{event: B, where: {by: y}, again: parallel}]
steps: {b: {emit_event: {name: B, properties: {by: z}}}}""",
    """journey: x
enter: [{event: Journey Left, where: {journey: y}, again: parallel}]
steps: {b: {wait: 1 day}}""",
    ASKS_ITSELF.replace("journey: x}", "journey: y}"),
]


@pytest.mark.parametrize("text", FINE)
def test_what_is_fine_is_passed_over(text: str) -> None:
    assert found(text) == []


def test_what_does_not_exist_is_named_with_what_was_meant() -> None:
    known = Known(templates=["welcome"], segments=["staff", "vip"], events=["Signed Up", "Ordered"])
    text = """
journey: x
enter: [{event: Signed up, if: {not: {in_segment: stuff}}}, {segment_entered: vips}, {api: true}]
goal: {event: Orderd}
steps:
  a: {send: welcom}
  b: {branch: [{if: {performed: Told, then_performed: Ordred}, then: c}], otherwise: d}
  c: {wait_for: [{event: Email Opened}], at_most: 1 day}
  d: {emit_event: Told}
"""
    assert found(text.lstrip(), known) == [
        (ERROR, "", "there is no segment 'stuff'; did you mean 'staff'?"),
        (ERROR, "", "there is no segment 'vips'; did you mean 'vip'?"),
        (ERROR, "a", "there is no template 'welcom'; did you mean 'welcome'?"),
        (WARNING, "", "no event 'Signed up' was ever seen; did you mean 'Signed Up'?"),
        (WARNING, "", "no event 'Orderd' was ever seen; did you mean 'Ordered'?"),
        (WARNING, "b", "no event 'Ordred' was ever seen; did you mean 'Ordered'?"),
    ]


def test_scores_stages_and_lists_that_are_not_there_are_named() -> None:
    known = Known(
        definitions=Definitions(
            scores={"lead": parse_score({"score": "lead", "points": [{"event": "A", "points": 1}]})},
            stages=(Stage("cold"), Stage("MQL")),
            lists=frozenset({"beta"}),
        )
    )
    text = """
journey: x
enter:
  - {event: Score Changed, where: {score: laed, threshold: 5}}
  - {event: Lifecycle Changed, where: {to: [MQL, SQL]}}
goal: {lifecycle: custumer}
steps:
  a: {branch: [{if: {score: lead, group: fit, above: 1}, then: b}], otherwise: c}
  b: {add_score: {score: leed, points: 5}}
  c: {add_to_list: betas}
  d: {branch: [{if: {in_list: bata}, then: e}], otherwise: f}
  e: {leave: done}
  f: {leave: other}
"""
    assert found(text.lstrip(), known) == [
        (ERROR, "", "there is no score 'laed'; did you mean 'lead'?"),
        (ERROR, "", "there is no stage 'SQL'; did you mean 'MQL'?"),
        (ERROR, "", "there is no stage 'custumer'"),
        (ERROR, "a", "score 'lead' has no group 'fit'"),
        (ERROR, "d", "there is no list 'bata'; did you mean 'beta'?"),
        (WARNING, "b", "there is no score 'leed'; did you mean 'lead'?"),
        (WARNING, "c", "there is no list 'betas'; did you mean 'beta'?"),
    ]


@given(journeys())
def test_any_journey_can_be_checked(journey: Journey) -> None:
    order = {placed.id: number for number, placed in enumerate(journey.steps)}
    seen = check(journey, Known([], [], []))
    assert [one.severity for one in seen] == sorted(one.severity for one in seen)
    assert all(one.step in ("", *order) and one.what for one in seen)


@given(rules, people)
def test_what_is_certain_is_so(rule: d.Rule, asked: tuple[People, list[object]]) -> None:
    answer = certain(rule)
    if answer is not None:
        crowd, askings = asked
        assert (evaluate(rule, cohort(askings, (crowd.tape(),))) == answer).all()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"all": []}, True),
        ({"any": []}, False),
        ({"not": {"all": []}}, False),
        ({"any": [{"trait": "p", "is": 1}, {"not": {"any": []}}]}, True),
        ({"all": [{"trait": "p", "is": "a"}, {"trait": "p", "is": "b"}]}, False),
        ({"all": [{"trait": "p", "in": ["a", "c"]}, {"trait": "p", "in": ["b"]}]}, False),
        ({"all": [{"trait": "p", "at_least": 5}, {"trait": "q", "below": 5}]}, None),
        ({"all": [{"trait": "p", "at_least": 5}, {"trait": "p", "below": 5}]}, False),
        ({"trait": "p", "exists": False, "is": 3}, False),
        ({"trait": "p", "between": [1, 3], "above": 3}, False),
        ({"trait": "p", "between": [1, 3], "at_least": 3}, None),
        ({"bucket": {"below": 0}}, False),
        ({"bucket": {"below": 100}}, True),
        ({"performed": "A", "never": True, "where": {"t": {"above": 9, "below": 3}}}, None),
        ({"performed": "A", "where": {"t": {"above": 9, "below": 3}}}, False),
        ({"in_segment": "vip"}, None),
    ],
)
def test_what_can_be_told_without_asking(rule: object, answer: bool | None) -> None:
    assert certain(parse(rule)) is answer


def test_our_own_journeys_are_without_fault() -> None:
    files = [
        *(ROOT / "src").rglob("*.journey.yaml"),
        *(ROOT / "tests" / "traces" / "journeys").glob("*.yaml"),
    ]
    assert len(files) >= 5
    for path in files:
        assert check(read_journey(path.read_text(), path.name)) == [], path.name


def test_a_long_loop_is_found_on_each_of_its_steps() -> None:
    steps = "".join(f"  s{n}: {{send: {{template: t, purpose: p}}}}\n" for n in range(300))
    assert found(f"steps:\n{steps}") == []
    circle = found(f"steps:\n{steps}  z: {{set_trait: {{a: 1}}, then: s0}}\n")
    assert [one[1] for one in circle if one[0] == ERROR] == [*(f"s{n}" for n in range(300)), "z"]
