"""Scores, the lifecycle and lists as texts, what is refused of them, and how stages keep who is in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from sojourn.customer import lifecycle, lists, scores
from sojourn.customer.references import Definitions, missing, refuse, unheard
from sojourn.customer.segments import Membership, follow
from sojourn.errors import Invalid
from sojourn.rule import definition as d
from sojourn.rule.cohort import Cohort
from sojourn.rule.evaluate import evaluate
from sojourn.rule.span import Span
from sojourn.rule.standing.named import Fit, Gain, Group, Score
from sojourn.rule.text import parse
from sojourn.tape.build import build

DAY = 86_400_000_000
DOCUMENT = Path(__file__).parents[2] / "docs" / "scores.md"

points = st.sampled_from((1.0, 2.5, -3.0, 40.0))
gains = st.builds(
    Gain,
    st.sampled_from(("Viewed", "Ordered")),
    points,
    st.sampled_from(((), (d.Condition("kind", (d.Comparison("is", "a"),)),))),
    st.sampled_from((None, 4.0, 7.5)),
)
fits = st.builds(Fit, st.just(d.Trait("plan", (d.Comparison("is", "a"),))), points)


@st.composite
def groups(draw: st.DrawFn, name: str) -> Group:
    given_points = tuple(draw(st.lists(gains, min_size=1, max_size=3)))
    return Group(
        name,
        given_points,
        tuple(draw(st.lists(fits, max_size=2))),
        draw(st.sampled_from((None, Span(days=30), Span(0, 0, 90 * 60_000_000)))),
        draw(st.sampled_from((0.0, -12.5))),
        draw(st.sampled_from((None, 100.0))),
    )


@st.composite
def some_scores(draw: st.DrawFn) -> Score:
    if draw(st.booleans()):
        return Score("lead", (draw(groups("")),))
    names = draw(st.lists(st.sampled_from(("fit", "habit", "noise")), min_size=1, unique=True))
    return Score(
        "lead", tuple(draw(groups(name)) for name in names), draw(st.sampled_from((None, -5.0))), 50.0
    )


@given(some_scores())
def test_a_score_reads_back_what_it_writes(score: Score) -> None:
    data = scores.dump(score)
    assert scores.parse(data) == score
    assert scores.dump(scores.parse(data)) == data
    assert all(
        f"{gain.points:+g}" in " ".join(scores.explain(score)) for one in score.groups for gain in one.gains
    )


def test_a_lifecycle_reads_back_what_it_writes() -> None:
    data: dict[str, Any] = {
        "lifecycle": [
            "cold",
            {"MQL": {"if": {"score": "lead", "at_least": 50}, "leave_below": 30}},
            {"customer": {"if": {"performed": "Order Completed"}, "stays": True}},
        ]
    }
    stages = lifecycle.parse(data)
    assert lifecycle.dump(stages) == data
    assert [stage.keeps for stage in stages] == [
        None,
        d.All((d.Scored("lead", (d.Comparison("at_least", 30),)),)),
        d.All(()),
    ]
    listed = {"list": "beta", "description": "who may see it first"}
    assert lists.dump(lists.parse(listed)) == listed


read_score, read_stages = scores.parse, lifecycle.parse
A = {"event": "A", "points": 1}
TRUE = {"event": "A", "points": True}
OF_A = {"score": "a", "at_least": 5}


@pytest.mark.parametrize(
    ("read", "data", "place", "what"),
    [
        (read_score, {"score": "", "points": [A]}, "score", "name"),
        (read_score, {"score": "a"}, "points", "point rules"),
        (read_score, {"score": "a", "points": [A], "grups": {}}, "grups", "unknown key"),
        (read_score, {"score": "a", "groups": {}}, "groups", "1 to"),
        (
            read_score,
            {"score": "a", "groups": {"b": {"points": [A]}}, "half_life": "1 day"},
            "half_life",
            "key",
        ),
        (
            read_score,
            {"score": "a", "points": [TRUE]},
            "points[0].points",
            "number",
        ),
        (read_score, {"score": "a", "points": [{"points": 1}]}, "points[0].event", "name of an event"),
        (read_score, {"score": "a", "points": [A], "half_life": "1 seconds"}, "half_life", "from a minute"),
        (read_score, {"score": "a", "points": [A], "at_least": 5}, "at_least", "fade to"),
        (read_score, {"score": "a", "points": [A], "at_most": -5}, "at_most", "fade to"),
        (
            read_score,
            {"score": "a", "groups": {"b": {"points": [A]}}, "at_least": 5, "at_most": 4},
            "at_least",
            "never",
        ),
        (read_stages, {"lifecycle": ["a", {"a": {"if": OF_A}}]}, "lifecycle[1]", "two stages"),
        (read_stages, {"lifecycle": ["a", "b"]}, "lifecycle[1]", "mapping"),
        (
            read_stages,
            {"lifecycle": ["a", {"b": {"if": OF_A, "leave_below": 6}}]},
            "leave_below",
            "not be more",
        ),
        (
            read_stages,
            {"lifecycle": ["a", {"b": {"if": OF_A, "leave_below": 1, "stays": True}}]},
            "stays",
            "no `leave_below`",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(read: Any, data: object, place: str, what: str) -> None:
    with pytest.raises(Invalid, match=re.escape(what)) as refused:
        read(data)
    assert refused.value.place.endswith(place)


KNOWN = Definitions(
    {"warm": parse({"score": "lead", "at_least": 5}), "hot": parse({"in_segment": "warm"})},
    {
        "lead": scores.parse(
            {"score": "lead", "points": [A, {"if": {"trait": "plan", "is": "a"}, "points": 3}]}
        )
    },
    lifecycle.parse({"lifecycle": ["cold", {"MQL": {"if": {"in_segment": "hot"}}}]}),
    frozenset({"beta"}),
)


def test_definitions_that_lead_back_to_themselves_are_refused_with_the_path() -> None:
    refuse(KNOWN)
    looped = scores.parse({"score": "lead", "points": [{"if": {"lifecycle": "MQL"}, "points": 3}]})
    circle = Definitions(KNOWN.segments, {"lead": looped}, KNOWN.stages)
    with pytest.raises(Invalid) as refused:
        refuse(circle)
    path = "segment warm → score lead → lifecycle → segment hot → segment warm"
    assert refused.value.message == f"leads back to itself: {path}"
    marks = Definitions({"a": parse({"performed": "Score Changed"})})
    with pytest.raises(Invalid, match="say score"):
        refuse(marks)


def test_names_of_what_is_not_there_are_found() -> None:
    asked = [
        parse(
            {
                "all": [
                    {"in_segment": "wram"},
                    {"score": "leed", "above": 1},
                    {"score": "lead", "group": "fit", "above": 1},
                    {"lifecycle": ["MQL", "MQLL"]},
                    {"in_list": "bet"},
                    {"in_list": "beta"},
                ]
            }
        )
    ]
    assert list(missing(asked, KNOWN)) == [
        "there is no segment 'wram'; did you mean 'warm'?",
        "there is no score 'leed'; did you mean 'lead'?",
        "score 'lead' has no group 'fit'",
        "there is no stage 'MQLL'; did you mean 'MQL'?",
        "there is no list 'bet'; did you mean 'beta'?",
    ]
    chain = [parse({"performed": "A", "then_performed": "BB"}), parse({"opened": True})]
    assert list(unheard([*chain, parse({"trait": "paln", "is": 1})], {"A", "B"}, {"plan"})) == [
        "no event 'BB' was ever seen; did you mean 'B'?",
        "nobody has a trait 'paln'; did you mean 'plan'?",
    ]


@given(
    st.lists(st.integers(0, 60), max_size=10).map(sorted),
    st.lists(st.integers(0, 400), max_size=4).map(sorted),
)
def test_who_is_in_stays_while_the_milder_rule_holds(quarters: list[int], steps: list[int]) -> None:
    """As a plain reading, one critical instant after the other, says; in whatever steps one follows."""
    met = np.array(quarters, np.int64) * DAY // 4 + np.arange(len(quarters))
    names = np.zeros(len(met), np.int32)
    tape = build(np.ones(len(met), np.int64), met, met, names, ("A",), everyone=np.array([1]))
    enter = parse({"performed": "A", "at_least": 2, "within": "3 days"})
    stay = parse({"performed": "A", "within": "5 days"})
    end, membership, crossed = 100 * DAY, Membership.starting(np.zeros(1, np.int64)), []
    for now in [*(one * DAY // 4 for one in steps), end]:
        cohort = Cohort((tape,), np.zeros(1, np.int64), np.array([now]))
        membership, found = follow(enter, cohort, membership, keeps=stay)
        crossed += list(zip(found.instants.tolist(), found.entered.tolist(), strict=True))

    def holds(rule: d.Rule, instant: int) -> bool:
        return bool(evaluate(rule, Cohort((tape,), np.zeros(1, np.int64), np.array([instant])))[0])

    inside, expected = False, []
    for instant in sorted({one + later for one in met.tolist() for later in (0, 3 * DAY + 1, 5 * DAY + 1)}):
        before, inside = inside, holds(enter, instant) or (inside and holds(stay, instant))
        expected += [(instant, inside)] if inside != before else []
    assert crossed == expected
    assert bool(membership.members[0]) == inside


def test_the_examples_of_the_guide_can_be_read() -> None:
    texts = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    examples = [YAML(typ="safe").load(text) for text in texts]
    read = {"score": scores.parse, "lifecycle": lifecycle.parse, "list": lists.parse}
    found = [read[key](one) for one in examples if isinstance(one, dict) for key in read if key in one]
    assert len(found) >= 4
