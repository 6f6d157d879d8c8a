"""What two journeys have not in common is told by steps, exits and settings."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from journey_cases import journeys

from sojourn.journey.changing.diff import DRAWN, Change, changes, sentence
from sojourn.journey.definition import Journey
from sojourn.journey.text import data_of, read_journey
from sojourn.journey.text.steps import whole_step

WELCOME = """\
journey: welcome
enter: [{event: Signed Up}, {api: true}]
goal: {event: Paid, within: 60 days}
steps:
  hello: {send: {template: welcome, purpose: onboarding}}
  pause: {wait: 2 days}
  choice:
    branch:
      - {if: {clicked: hello}, then: offer}
      - {if: {trait: plan, is: paid}, then: bye}
    otherwise: nudge
  nudge: {send: reminder, then: bye}
  offer: {send: offer}
  bye: {leave: done}
canvas: {hello: [0, 0]}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wait: 2 days", "wait: 3 days", ["setting pause.wait: 2 days → 3 days"]),
        (
            "{wait: 2 days}",
            "{wait: 48 hours, then: nudge}",
            ["setting", "rewired pause.then: choice → nudge"],
        ),
        ("then: offer}", "then: nudge}", ["rewired choice.branch[0].then: offer → nudge"]),
        ("otherwise: nudge", "otherwise: bye", ["rewired choice.otherwise: nudge → bye"]),
        (
            "{leave: done}",
            "{set_trait: {a: 1}}",
            ["replaced bye: {leave: done} → {set_trait: {a: 1}}"],
        ),
        ("welcome, purpose", "hi, purpose", ["setting hello.send.template: welcome → hi"]),
        (
            "  pause: {wait: 2 days}\n",
            "",
            ["rewired hello.then: pause → choice", "removed pause: {wait: 2 days, then: choice}"],
        ),
        (
            "  choice:",
            "  more: {send: more}\n  choice:",
            [
                "rewired pause.then: choice → more",
                "added more: {send: {template: more}, then: choice}",
            ],
        ),
        (
            "  hello: {send",
            "  first: {wait: 1 hour}\n  hello: {send",
            ["rewired start: hello → first", "added"],
        ),
        (", {api: true}", "", ["setting enter[1]: {api: true} → nothing"]),
        ("60 days", "30 days", ["setting goal.within: 60 days → 30 days"]),
        ("canvas: {hello: [0, 0]}", "canvas: {hello: [0, 9]}", ["drawn hello.canvas: [0, 0] → [0, 9]"]),
        ("canvas: {hello: [0, 0]}\n", "", ["drawn hello.canvas: [0, 0] → nothing"]),
        ("{send: offer}", "{send: {template: offer, go_on: false}} # why", []),
    ],
)
def test_a_change_is_told_by_what_it_is(old: str, new: str, said: list[str]) -> None:
    assert old in WELCOME
    found = changes(read_journey(WELCOME), read_journey(WELCOME.replace(old, new)))
    told = [f"{one.what} {sentence(one)}" for one in found]
    assert len(told) == len(said), told
    assert all(line.startswith(begin) for line, begin in zip(told, said, strict=True)), told


def test_a_way_before_others_is_one_way_more() -> None:
    more = WELCOME.replace("    branch:\n", "    branch:\n      - {if: {opened: hello}, then: nudge}\n")
    (found,) = changes(read_journey(WELCOME), read_journey(more))
    assert (found.what, found.place, found.before) == ("rewired", "branch[0]", None)
    (back,) = changes(read_journey(more), read_journey(WELCOME))
    assert (back.what, back.place, back.after) == ("rewired", "branch[0]", None)


def test_one_is_not_true() -> None:
    text = "journey: x\nenter: [{event: A}]\nsteps: {a: {set_trait: {b: 1}}}"
    one, true = read_journey(text), read_journey(text.replace("b: 1", "b: true"))
    assert [sentence(found) for found in changes(one, true)] == ["a.set_trait.b: 1 → true"]


@settings(max_examples=25)
@given(journeys(), journeys())
def test_there_is_a_change_where_journeys_differ(one: Journey, other: Journey) -> None:
    assert changes(one, one) == ()
    found = changes(one, other)
    assert bool(found) == (_meaning(one) != _meaning(other))
    assert all(sentence(change) for change in found)
    assert _of_steps(found) == _of_steps(changes(other, one))
    assert all(change.step for change in found if change.what == DRAWN)


@settings(max_examples=25)
@given(journeys())
def test_a_journey_that_was_not_there_adds_all_of_its_steps(journey: Journey) -> None:
    assert [one.what for one in changes(None, journey)] == ["added"] * len(journey.steps)
    assert [one.what for one in changes(journey, None)] == ["removed"] * len(journey.steps)
    assert changes(None, None) == ()


def _meaning(journey: Journey) -> bytes:
    """All of a journey but for the order of its steps, of which only the first is told."""
    steps = {placed.id: whole_step(placed) for placed in journey.steps}
    whole = {**data_of(journey), "steps": steps, "first": journey.steps[0].id}
    return msgspec.json.encode(whole, order="deterministic")


def _of_steps(found: tuple[Change, ...]) -> Mapping[str, int]:
    """How many steps came, went or became others, whichever of the two was first."""
    kinds = [one.what for one in found]
    return {"moved": kinds.count("added") + kinds.count("removed"), "replaced": kinds.count("replaced")}
