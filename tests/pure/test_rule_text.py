"""Rules read back what they write, name the place of a mistake, and say what they mean in English."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from rule_cases import rules

from sojourn.errors import Invalid
from sojourn.rule import definition as d
from sojourn.rule.explain import explain
from sojourn.rule.span import DAY, HOUR, MINUTE, Span, parse_span
from sojourn.rule.text import definitions, dump, dump_where, parse, parse_where

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
IS_SPAN = st.builds(Span, st.integers(0, 99), st.integers(0, 999), st.integers(0, 40 * HOUR))


@given(rules)
def test_a_rule_reads_back_what_it_writes(rule: d.Rule) -> None:
    data = dump(rule)
    assert parse(data) == rule
    assert parse(json.loads(json.dumps(data))) == rule
    assert dump(parse(data)) == data


@given(rules)
def test_a_rule_travels_as_a_tagged_struct(rule: d.Rule) -> None:
    assert msgspec.json.decode(msgspec.json.encode(rule), type=d.Rule) == rule


@given(rules)
def test_a_sentence_names_all_that_the_rule_names(rule: d.Rule) -> None:
    sentence = explain(rule)
    assert sentence.endswith(".")
    assert sentence[0] == sentence[0].upper()
    for name in _names(dump(rule)):
        assert f"“{name}”" in sentence


def _names(data: object) -> set[str]:
    """The names of events, traits, properties, segments, steps and templates in a rule's text."""
    if isinstance(data, list):
        return {name for one in data for name in _names(one)}
    if not isinstance(data, dict):
        return set()
    found = {value for key, value in data.items() if key in _NAMING and isinstance(value, str)}
    for key in ("where", "first", "last", "sum", "min", "max", "avg"):
        found |= set(data.get(key, {})) - {d.WHEN}
    return found | {name for key, one in data.items() if key not in ("between", "in") for name in _names(one)}


_NAMING = (
    *(
        "trait",
        "entry",
        "performed",
        "then_performed",
        "in_segment",
        "score",
        "in_list",
        "step",
        "template",
        "journey",
        "salt",
    ),
    *("sent", "delivered", "opened", "clicked", "bounced"),
)


def schema() -> Draft202012Validator:
    whole = {"$ref": "#/$defs/rule", "$defs": definitions()}
    Draft202012Validator.check_schema(whole)
    return Draft202012Validator(whole)


SCHEMA = schema()


@given(rules)
def test_what_is_written_meets_the_schema(rule: d.Rule) -> None:
    SCHEMA.validate(dump(rule))


@given(IS_SPAN.filter(lambda span: 0 < span.length < 30_000 * DAY))
def test_a_span_reads_back_what_it_writes(span: Span) -> None:
    assert parse_span(str(span)) == span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7 days", Span(0, 7)),
        ("1 day", Span(0, 1)),
        ("24 hours", Span(0, 0, 24 * HOUR)),
        ("2 weeks", Span(0, 14)),
        ("14d", Span(0, 14)),
        ("1.5 h", Span(0, 0, 90 * MINUTE)),
        ("90 min", Span(0, 0, 90 * MINUTE)),
        ("1 day and 12 hours", Span(0, 1, 12 * HOUR)),
        ("1 year, 3 months", Span(15)),
    ],
)
def test_spans_are_written_as_people_do(text: str, span: Span) -> None:
    assert parse_span(text) == span


def test_a_day_and_24_hours_are_the_same_length_but_not_the_same_span() -> None:
    assert parse_span("1 day") != parse_span("24 hours")
    assert parse_span("1 day").length == parse_span("24 hours").length == 24 * HOUR
    assert parse_span("12 months").length == 365 * DAY


def _nested(depth: int) -> object:
    return {"not": _nested(depth - 1)} if depth else {"trait": "plan", "is": "a"}


def _repeated(depth: int) -> object:
    part: object = {"trait": "plan", "is": "a"}
    for _ in range(depth):
        part = {"all": [part, part]}  # what YAML's anchors make of a few lines
    return part


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        ({"trati": "plan", "is": "a"}, "if.trati", "did you mean 'trait'?"),
        ({"trait": "plan", "starts_wiht": "a"}, "if.starts_wiht", "did you mean 'starts_with'?"),
        ({"trait": "plan"}, "if", "does not say what to compare with"),
        ({"trait": "", "is": 1}, "if.trait", "must be the name of a trait"),
        ({"trait": "age", "above": "5"}, "if.above", "must be a number"),
        ({"trait": "age", "above": float("nan")}, "if.above", "must be a number"),
        ({"trait": "age", "above": 10**400}, "if.above", "must be a number"),
        ({"trait": "age", "above": True}, "if.above", "must be a number"),
        ({"trait": "day", "above": "2026-01-01"}, "if.above", "dates compare by `before` and `after`"),
        ({"trait": "age", "between": [5, 1]}, "if.between", "5 is after 1"),
        ({"trait": "age", "between": [5]}, "if.between", "two values"),
        ({"trait": "day", "between": ["2026-02-01", "2026-01-01"]}, "if.between", "is after"),
        ({"trait": "day", "before": "soon"}, "if.before", "must be a date"),
        ({"trait": "day", "within_last": 7}, "if.within_last", "with its unit"),
        ({"trait": "day", "within_last": "7 dasy"}, "if.within_last", "did you mean 'days'?"),
        ({"trait": "day", "within_last": "0 days"}, "if.within_last", "longer than nothing"),
        ({"trait": "day", "within_last": "1.5 days"}, "if.within_last", "come whole"),
        ({"trait": "plan", "is": None}, "if.is", "`exists: false` asks"),
        ({"trait": "plan", "in": []}, "if.in", "must be a list"),
        ({"trait": "plan", "in": ["a", None]}, "if.in[1]", "must be a text"),
        ({"trait": "plan", "exists": "no"}, "if.exists", "true or false"),
        ({"trait": "plan", "matches": "a("}, "if.matches", "missing )"),
        ({"trait": "plan", "matches": "(?=a)"}, "if.matches", "no regular expression"),
        ({"trait": "plan", "matches": "\ud800"}, "if.matches", "no regular expression"),
        ({"trait": "plan", "matches": "a" * 1001}, "if.matches", "longer than 1000"),
        ({"performed": "A", "at_leats": 3}, "if.at_leats", "did you mean 'at_least'?"),
        ({"performed": "A", "at_least": 0}, "if.at_least", "whole number from 1"),
        ({"performed": "A", "at_least": 2.0}, "if.at_least", "whole number"),
        ({"performed": "A", "at_least": 3, "at_most": 2}, "if.at_least", "is never"),
        ({"performed": "A", "never": False}, "if.never", "must be true"),
        ({"performed": "A", "never": True, "at_least": 2}, "if.at_least", "cannot stand beside 'never'"),
        ({"performed": "A", "never": True, "last": {"kind": 1}}, "if", "never happened"),
        ({"performed": "A", "where": ["kind"]}, "if.where", "must be a mapping"),
        ({"performed": "A", "where": {"kind": {"iss": 1}}}, "if.where.kind.iss", "did you mean 'is'?"),
        ({"performed": "A", "sum": {"total": {"contains": 1}}}, "if.sum.total.contains", "unknown key"),
        ({"performed": "A", "last": {"when": 3}}, "if.last.when", "must be a comparison"),
        ({"performed": "A", "last": {"when": {"above": 3}}}, "if.last.when.above", "unknown key"),
        ({"performed": "A", "since": "start"}, "if.since", "must be 'entry'"),
        ({"performed": "A", "between": [1, 2]}, "if.between", "must be two dates"),
        ({"performed": "A", "then_performed": []}, "if.then_performed", "one event or a list"),
        ({"performed": "A", "then_performed": ["B", {"where": {}}]}, "if.then_performed[1]", "needs"),
        ({"performed": "A", "then_performed": "B", "at_least": 2}, "if.at_least", "unknown key"),
        ({"performed": "A", "in_segment": "b"}, "if.in_segment", "join them by `all: [...]`"),
        ({"clicked": 3}, "if.clicked", "must be a mapping"),
        ({"clicked": {"stpe": "hello"}}, "if.clicked.stpe", "did you mean 'step'?"),
        ({"clicked": {"machine": 1}}, "if.clicked.machine", "true or false"),
        ({"bucket": {"of": 10}}, "if.bucket", "needs 'below'"),
        ({"bucket": {"of": 10, "below": 11}}, "if.bucket.below", "from 0 to 10"),
        ({"all": {"trait": "a"}}, "if.all", "must be a list"),
        ({"all": [{"any": [{"not": {"trait": "a", "above": "x"}}]}]}, "if.all[0].any[0].not.above", "number"),
        ({}, "if", "starts with one of"),
        ({1: 2}, "if", "mapping of keys"),
        (["a"], "if", "mapping of keys"),
        (_nested(40), "if" + ".not" * 33, "make segments"),
        (_repeated(30), None, "make segments"),
    ],
)
def test_a_mistake_is_named_with_its_place(data: object, place: str | None, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(data, "if")
    assert message in caught.value.message
    assert place is None or caught.value.place == place


@pytest.mark.parametrize(
    "data",
    [
        {"trati": "plan", "is": "a"},
        {"trait": "plan"},
        {"trait": "plan", "starts_wiht": "a"},
        {"trait": "age", "above": "5"},
        {"performed": "A", "at_leats": 3},
        {"performed": "A", "sum": {"total": {"contains": 1}}},
        {"performed": "A", "last": {"when": 3}},
        {"performed": "A", "then_performed": "B", "at_least": 2},
        {"clicked": {"stpe": "hello"}},
        {"all": [{"not": {"trait": "a", "above": "x"}}]},
        {"performed": "A", "in_segment": "b"},
        {"score": "lead"},
        {"score": "lead", "is": 5},
        {"score": "lead", "at_least": "5"},
        {"score": "lead", "between": ["2026-01-01", "2026-02-01"]},
        {"lifecycle": []},
        {"lifecycle": {"in": ["MQL"]}},
        {"in_list": 5},
    ],
)
def test_the_schema_sees_a_mistake_too(data: object) -> None:
    assert not SCHEMA.is_valid(data)


KEYS = (
    *("trait", "performed", "where", "is", "all", "not", "clicked", "within", "sum", "last", "bucket"),
    *("score", "group", "above", "between", "lifecycle", "in_list"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


@given(ANYTHING)
def test_whatever_is_given_is_read_or_refused(data: object) -> None:
    try:
        rule = parse(data)
    except Invalid:
        return
    assert parse(dump(rule)) == rule


def test_short_forms_mean_the_same_as_long_ones() -> None:
    short = {"performed": "A", "where": {"kind": ["a", "b"], "total": 5}, "exactly": 0}
    long = {"performed": "A", "where": {"kind": {"in": ["a", "b"]}, "total": {"is": 5}}, "never": True}
    assert parse(short) == parse(long)
    assert parse({"clicked": {"step": "hello"}}) == parse({"clicked": "hello"})
    assert parse({"opened": {}}) == parse({"opened": True})
    assert parse_where({}) == ()
    assert dump_where(parse_where({"kind": {"is": "a"}})) == {"kind": "a"}


@pytest.mark.parametrize("typ", ["rt", "safe"])
def test_values_of_a_yaml_reader_become_plain(typ: str) -> None:
    text = "{trait: day, is: 2026-03-01, above: 1_000, at_least: 1.5, before: 2026-03-01T10:00:00Z}"
    rule = parse(YAML(typ=typ).load(text))
    assert json.loads(json.dumps(dump(rule))) == dump(rule)
    assert {type(test.value) for test in rule.tests} == {str, int, float}  # type: ignore[union-attr]
    assert dump(rule)["before"] == "2026-03-01T10:00:00+00:00"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_document_are_rules(example: str) -> None:
    for data in YAML(typ="safe").load_all(example):
        for one in data if isinstance(data, list) else [data]:
            assert explain(parse(one))
            SCHEMA.validate(dump(parse(one)))


def test_a_sentence_reads_like_one() -> None:
    rule = parse(
        {
            "all": [
                {"trait": "plan", "in": ["trial", "free"]},
                {
                    "any": [
                        {"clicked": "hello"},
                        {"performed": "Logged In", "at_least": 3, "within": "7 days"},
                    ]
                },
                {"not": {"in_segment": "staff"}},
            ]
        }
    )
    assert explain(rule) == (
        "Their “plan” is one of “trial”, “free”, and "
        "(they clicked in the message of step “hello”, or they did “Logged In” at least 3 times within the "
        "last 7 days), and it is not so that they are in the segment “staff”."
    )
