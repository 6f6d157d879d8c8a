"""Journeys read back what they write, and a mistake is named by file, line and path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journey_cases import journeys
from jsonschema import Draft202012Validator

import journey_reference
from sojourn.errors import Invalid
from sojourn.journey.definition import Journey
from sojourn.journey.step import StepKind
from sojourn.journey.text import data_of, journey_of, kinds, line_of, read_journey, write_journey
from sojourn.journey.text.schema import schema
from sojourn.journey.text.source import Source

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(schema())
FILES = sorted(
    path for folder in ("src", "docs", "tests") for path in (ROOT / folder).rglob("*.journey.yaml")
)


ALL = "journey: x\nenter: [{event: A}]\nsteps: {a: {leave: b}}\n"
A_STEP = "journey: x\nenter: [{event: A}]\nsteps:\n  a: "
A_TRIGGER = "journey: x\nsteps: {a: {leave: b}}\nenter:\n  - "
BOMB = "\n".join(
    f"{one}: &{one} [*{other}, *{other}, *{other}, *{other}]"
    for other, one in zip("abcdefghi", "bcdefghij", strict=True)
)


@given(journeys())
def test_a_journey_reads_back_what_it_writes(journey: Journey) -> None:
    assert journey_of(data_of(journey)) == journey
    text = write_journey(journey)
    assert read_journey(text) == journey
    assert write_journey(read_journey(text)) == text


@given(journeys())
def test_what_is_written_meets_the_schema(journey: Journey) -> None:
    SCHEMA.validate(json.loads(json.dumps(data_of(journey))))


IN_A_TRIGGER = [  # on line 4, under enter[0]
    ("{event: A, agian: never}", "did you mean 'again'?", ".agian"),
    ("{event: A, again: sometimes}", "must be never, after leaving, after a span", ".again"),
    ("{event: A, again: after 30 dyas}", "unknown unit 'dyas'; did you mean 'days'?", ".again"),
    ("{event: A, again: per cart parallel}", "is both", ".again"),
    ("{event: A, again: [never]}", "must be never", ".again"),
    ("{event: A, api: true}", "event and api; a trigger has one", ".api"),
    ("{api: maybe}", "must be true or false", ".api"),
    ("{again: never}", "needs 'event'", ""),
    ("{event: A, if: {triat: plan, is: a}}", "did you mean 'trait'?", ".if.triat"),
    ("{event: A, where: {total: {abov: 3}}}", "did you mean 'above'?", ".where.total.abov"),
    ("A", "must be a mapping", ""),
]
AT_TOP = [  # on line 4
    ("goal: {evnt: B}", "unknown condition 'evnt'", "goal.evnt"),
    ("goal: {event: B, within: 3}", "a span of time with its unit", "goal.within"),
    ("goal: B", "must be a mapping", "goal"),
    ("holdout: 130%", "below 100%", "holdout"),
    ("holdout: most", "must be a share", "holdout"),
    ("priority: high", "must be a whole number", "priority"),
    ("leave_if: {all: {}}", "must be a list of conditions", "leave_if.all"),
    ("canvas: {b: [1, 2]}", "there is no step 'b'", "canvas.b"),
    ("canvas: {a: [1]}", "must be [x, y]", "canvas.a"),
    ("owner: me", "unknown key 'owner'", "owner"),
]
IN_A_STEP = [  # on line 4, under steps.a
    ("{sned: b}", "unknown kind of step 'sned'; did you mean 'send'?", ".sned"),
    ("{}", "at least one entry", ""),
    ("{then: a}", "has no kind; a step has exactly one of add_score", ""),
    ("{leave: b, wait: 2 days}", "has 2 kinds (leave, wait)", ".wait"),
    ("{wait: 2 dais}", "unknown unit 'dais'", ".wait"),
    ("{wait: 1 day, then: b}", "there is no step 'b'", ".then"),
    ("{wait: 1 day, then: aa}", "there is no step 'aa'; did you mean 'a'?", ".then"),
    ("{wait: 1 day, thne: a}", "unknown key 'thne'; did you mean 'then'?", ".thne"),
    ("{leave: done, then: a}", "unknown key 'then'", ".then"),
    ("{leave: goal}", "is what Sojourn itself says", ".leave"),
    ("{branch: [{if: {opened: a}}, {then: a}]}", "needs 'if'", ".branch[1]"),
    ("{branch: {if: {opened: a}}}", "must be a list", ".branch"),
    ("{branch: [{if: {opened: a}}], otherwise: b}", "there is no step 'b'", ".otherwise"),
    ("{split: [{name: b}, {name: b}]}", "the arm 'b' is there twice", ".split[1].name"),
    ("{split: [{weight: 0}, {}]}", "must be a number above 0", ".split[0].weight"),
    ("{wait_for: [{event: B}], otherwise: a}", "nobody comes here without `at_most`", ".otherwise"),
    ("{wait_for: [{event: B, never: true}]}", "write any other condition under 'if'", ".wait_for[0]"),
    ("{wait_for: [{event: B, since: birth}]}", "must be 'arrival' or 'entry'", ".wait_for[0].since"),
    ("{wait_until: {time: 9:00}}", "must be a time of day", ".wait_until.time"),
    ("{wait_until: {time: '24:00'}}", "must be a time of day", ".wait_until.time"),
    ("{wait_until: {time: '09:00', weekdays: [mon]}}", "must be a list of mon", ".wait_until.weekdays"),
    ("{send: {tmplate: b}}", "was 'tmplate' meant to be that?", ".send.tmplate"),
    ("{send: {template: b, go_on: often}}", "must be true or false", ".send.go_on"),
    ("{set_trait: {plan: [a, b]}}", "must be a text, a number, true or false", ".set_trait.plan"),
    ("{set_trait: {size: .inf}}", "must be a text, a number, true or false", ".set_trait.size"),
    ("{emit_event: Consent Given}", "is believed only when Sojourn itself says so", ".emit_event"),
    ("{emit_event: {name: B, properties: {step: c}}}", "is filled in by", ".emit_event.properties.step"),
]
WHOLE = [
    ("journy: x\nenter: [{event: A}]\nsteps: {a: {leave: b}}", "needs 'journey'", 1, "journy"),
    ("journey: x\nsteps: {a: {leave: b}}", "needs 'enter'", 1, ""),
    ("journey: x\nenter: [{event: A}]", "needs 'steps'", 1, ""),
    ("\njourney: ' '", "must be a text", 2, "journey"),
    ("journey: x\nenter: [{event: A}]\nsteps: {}", "at least one entry", 3, "steps"),
    ("journey: x\nenter: [{event: A}]\nsteps: [a]", "must be a mapping", 3, "steps"),
    ("journey: x\nenter: {event: A}", "must be a list", 2, "enter"),
    ("journey: x\nenter: [{event: A}]\nsteps:\n  a b: {leave: b}", "id is a letter", 4, "steps.a b"),
    ("journey: x\nsteps:\n  a: {leave: b}\n  a: {leave: c}", 'found duplicate key "a"', 4, ""),
    ("journey: x\nenter: [{event: A\nsteps: {a: {leave: b}}", "no YAML", 3, ""),
    ("", "must be a mapping", 1, ""),
    ("- a\n- b", "must be a mapping", 1, ""),
    ("journey: \x00", "no YAML", 0, ""),
    ("journey: 2026-13-45", "no YAML", 0, ""),
    ("[" * 2000, "no YAML", 0, ""),
    ("- " * 2000, "no YAML", 0, ""),
    ("a: &a [1, 2, 3, 4]\n" + BOMB, "is larger", 1, ""),
]
MISTAKES = [
    *WHOLE,
    *((f"{A_TRIGGER}{text}", said, 4, f"enter[0]{place}") for text, said, place in IN_A_TRIGGER),
    *((f"{ALL}{text}", said, 4, place) for text, said, place in AT_TOP),
    *((f"{A_STEP}{text}", said, 4, f"steps.a{place}") for text, said, place in IN_A_STEP),
]


@pytest.mark.parametrize(("text", "said", "line", "place"), MISTAKES, ids=lambda value: str(value)[-50:])
def test_a_mistake_is_named_by_file_line_and_path(text: str, said: str, line: int, place: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_journey(text, "draft.yaml")
    error = caught.value
    assert said in error.message
    assert (error.source, error.line, error.place) == ("draft.yaml", line, place)
    assert str(error).startswith("draft.yaml:")


UNSEEN = (
    *(
        "there is no step",
        "there twice",
        "is both",
        "unit",
        "at_most",
        "any other condition",
        "Sojourn itself",
    ),
    *("filled in", "duplicate key", "no YAML", "is larger"),
)
"""What a schema does not see: whether names lead somewhere, what goes together, what is no YAML at all."""


@pytest.mark.parametrize(
    "text",
    [
        text
        for text, said, _, _ in MISTAKES
        if not any(unseen in said for unseen in UNSEEN) and ".inf" not in text
    ],
    ids=lambda value: value[-50:],
)
def test_the_schema_sees_a_mistake_too(text: str) -> None:
    assert not SCHEMA.is_valid(Source(text).data())


@given(st.text(st.sampled_from("abej :-[]{},\n\t'\"&*!|>%@`#?0159"), max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_journey(text)


KEYS = ("journey", "enter", "event", "steps", "a", "send", "wait", "branch", "if", "then", "again", "goal")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(KEYS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@given(ANYTHING, st.lists(ANYTHING, max_size=2), st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=2))
def test_whatever_data_are_given_they_are_read_or_refused(goal: object, enter: object, steps: object) -> None:
    for data in (goal, {"journey": "x", "enter": enter, "steps": steps, "goal": goal}):
        try:
            journey = journey_of(data)
        except Invalid:
            continue
        assert journey_of(data_of(journey)) == journey


def test_the_line_of_a_place_is_told() -> None:
    text = "journey: x\nsteps:\n  a:\n    branch:\n      - {if: {opened: b}}\n"
    assert line_of(text, "steps.a.branch[0].if.opened") == 5
    assert line_of(text, "steps.a.then") == 3


def test_short_forms_mean_the_same_as_long_ones() -> None:
    head = "journey: x\nenter: [{event: A}]\nsteps:\n  a: "
    for short, long in (
        ("{send: hello}", "{send: {template: hello, go_on: false}}"),
        ("{emit_event: B}", "{emit_event: {name: B}}"),
        ("{split: [{}, {weight: 2}]}", "{split: [{name: '1', weight: 1.0}, {name: '2', weight: 2}]}"),
        ("{set_trait: {day: 2026-03-01}}", "{set_trait: {day: '2026-03-01'}}"),
        ("{wait_for: [{clicked: b}]}", "{wait_for: [{clicked: {step: b}, since: arrival}]}"),
    ):
        assert read_journey(head + short) == read_journey(head + long)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_journeys_of_ours_are_read_and_meet_the_schema(path: Path) -> None:
    text = path.read_text()
    journey = read_journey(text, path.name)
    SCHEMA.validate(Source(text).data())
    assert read_journey(write_journey(journey)) == journey


def test_the_reference_is_made_from_what_kinds_declare() -> None:
    for name, text in journey_reference.documents().items():
        assert (ROOT / "docs" / "reference" / name).read_text() == text, "run `make fix`"
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("kind", kinds().values(), ids=kinds())
def test_the_example_of_a_kind_is_one(kind: StepKind) -> None:
    example = Source(kind.example).data()
    assert isinstance(example, dict)
    named = re.findall(r"(?:then|back_to|otherwise|clicked): (\w+)", kind.example)
    others = {name: {"send": name} for name in named}
    journey = journey_of({"journey": "x", "enter": [{"event": "A"}], "steps": {**example, **others}})
    assert isinstance(journey.steps[0].step, kind.settings)
    SCHEMA.validate(data_of(journey))
