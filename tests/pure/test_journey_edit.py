"""A journey is changed in its text: what did not change stays as its author wrote it, letter by letter."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from journey_cases import journeys, steps

from sojourn.errors import Invalid
from sojourn.journey.definition import Journey, Placed
from sojourn.journey.step import Step
from sojourn.journey.text import read_journey, write_journey
from sojourn.journey.text.edit import rewrite, rewrite_data
from sojourn.journey.text.layout import layout
from sojourn.journey.text.source import Source, written

ALIKE = "  # two that are\n  # much alike\n"
TIPS = "  tips:    {send: {template: tips, purpose: onboarding}, then: bye}\n"
OFFER = "  offer:   {send: {template: offer, go_on: false}, then: bye}\n"
WELCOME = """\
# The welcome journey
journey: welcome   # its name
enter:
  - event: Signed Up      # who
    if: {trait: plan, is: 'trial'}
    again: after 30 days
goal: {event: Order Completed, within: 60 days}
steps:
  # say hello
  hello:   {send: {template: "welcome", purpose: onboarding}}
  pause:   {wait: 2 days} # not too long
  choice:
    branch:
      # whoever clicked
      - {if: {clicked: hello}, then: offer}
      - if: {all: [{opened: hello}, {trait: "größe", is: 'xl'}]}
        then: tips   # tips
    otherwise: nudge
  nudge:   {send: reminder, then: bye}

  # two that are
  # much alike
  tips:    {send: {template: tips, purpose: onboarding}, then: bye}
  offer:   {send: {template: offer, go_on: false}, then: bye}
  bye:     {leave: done}
# the end
"""

SPOTS = [  # the words that change, and the same words afterwards
    ("wait: 2 days}", "wait: 3 days}"),
    ("{send: reminder", "{send: remember"),
    ("'trial'", "'pilot'"),
    ('"welcome"', '"willkommen 😀"'),
    ("'xl'", "'it''s'"),
    ("go_on: false", "go_on: true"),
    ("after 30 days", "after leaving"),
    (", within: 60 days", ""),
    (", purpose: onboarding}}\n", "}}\n"),
    ("otherwise: nudge", "otherwise: tips"),
    ("      - {if: {clicked: hello}, then: offer}\n", ""),
    (
        "      - {if: {clicked: hello}, then: offer}\n",
        "      - {if: {clicked: hello}, then: offer}\n      - {if: {trait: a, is: b}, then: bye}\n",
    ),
    ("goal: {event: Order Completed, within: 60 days}\n", ""),
    ("steps:\n", "holdout: 10%\nsteps:\n"),
    ("steps:\n", "leave_if: {trait: a, is: true}\npriority: 3\nsteps:\n"),
    ("  pause:   {wait: 2 days} # not too long\n", ""),
    ("  choice:\n", "  more: {wait_for: [{event: Opened}], at_most: 3 days}\n  choice:\n"),
    ("# the end\n", "# the end\ncanvas:\n  hello: [0, 0]\n  pause: [0, 120.5]\n"),
    (f"\n{ALIKE}{TIPS}{OFFER}", f"{OFFER}\n{ALIKE}{TIPS}"),
]


@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(("was", "now"), SPOTS, ids=lambda words: words.strip()[:30])
def test_only_the_words_change_that_have_to(was: str, now: str, eol: str) -> None:
    assert WELCOME.count(was) == 1
    text, wanted = (one.replace("\n", eol) for one in (WELCOME, WELCOME.replace(was, now)))
    assert rewrite(text, read_journey(wanted)) == wanted
    assert read_journey(rewrite(wanted, read_journey(text))) == read_journey(text)


def test_a_text_that_says_it_already_is_left_alone() -> None:
    assert rewrite(WELCOME, read_journey(WELCOME)) == WELCOME
    assert rewrite(WELCOME, read_journey(write_journey(read_journey(WELCOME)))) == WELCOME


def test_canvas_positions_change_in_their_block_alone() -> None:
    text = WELCOME + "canvas: # drawn by hand\n  hello: [0, 0] # top\n  bye: [0.5, 700]\n"
    journey = read_journey(text)
    moved = msgspec.structs.replace(
        journey, canvas={"hello": (0.0, 10.0), "bye": (0.5, 700), "nudge": (1, 2)}
    )
    said = "canvas: # drawn by hand\n  hello: [0, 10] # top\n  bye: [0.5, 700]\n  nudge: [1, 2]\n"
    assert rewrite(text, moved) == WELCOME + said


ANCHORED = """\
journey: x
enter: [{event: A, if: &paid {trait: plan, is: paid}}]
steps:
  a: {wait: &soon 2 days}
  b: {wait: *soon}
  c:
    branch:
      - {if: *paid, then: e}
  d: {send: {<<: &mail {template: t, purpose: p}, go_on: true}}
  e: {send: {<<: *mail, go_on: false}}
"""


@pytest.mark.parametrize(
    ("place", "was", "now", "lines"),
    [
        ("a", "&soon 2 days", "&soon 3 days", {3: "  a: {wait: 3 days}", 4: "  b: {wait: 2 days}"}),
        ("b", "*soon", "3 days", {4: "  b: {wait: 3 days}"}),
        ("c", "*paid", "{clicked: d}", {7: "      - {if: {clicked: d}, then: e}"}),
        (
            "e",
            "<<: *mail",
            "template: u, purpose: p",
            {9: "  e: {send: {template: u, <<: *mail, go_on: false}}"},
        ),
    ],
)
def test_what_an_anchor_stands_for_is_written_out_where_it_differs(
    place: str, was: str, now: str, lines: dict[int, str]
) -> None:
    plain = ANCHORED.replace("&soon ", "").replace("*soon", "2 days")
    plain = plain.replace("&paid ", "").replace("*paid", "{trait: plan, is: paid}")
    plain = plain.replace("<<: &mail {template: t, purpose: p}", "template: t, purpose: p")
    plain = plain.replace("<<: *mail", "template: t, purpose: p")
    assert read_journey(plain) == read_journey(ANCHORED)
    target = {placed.id: placed for placed in read_journey(ANCHORED.replace(was, now)).steps}[place]
    wanted = _with(read_journey(plain), target)
    made = rewrite(ANCHORED, wanted)
    assert read_journey(made) == wanted
    expected = ANCHORED.splitlines()
    for number, line in lines.items():
        expected[number] = line
    assert [*map(_words, made.splitlines())] == [*map(_words, expected)]


def test_what_cannot_be_changed_in_place_is_refused_with_its_line() -> None:
    text = "journey: x\nenter: [{event: A}]\nsteps:\n  <<: &both\n    a: {wait: 1 day}\n  b: {wait: 1 day}\n"
    journey = read_journey(text)
    moved = msgspec.structs.replace(journey, steps=journey.steps[::-1])
    with pytest.raises(Invalid, match="anchors") as refused:
        rewrite(text, moved)
    assert refused.value.line == 4


def test_tabs_and_an_order_mark_are_read_or_refused_with_their_line() -> None:
    text = "\ufeff" + WELCOME
    longer = rewrite(text, read_journey(WELCOME.replace("2 days", "3 days")))
    assert longer == text.replace("2 days", "3 days")
    with pytest.raises(Invalid) as refused:
        rewrite(WELCOME.replace("  pause", "\tpause"), read_journey(WELCOME))
    assert refused.value.line == 11


@st.composite
def authored(draw: st.DrawFn) -> tuple[str, Journey]:
    """A journey and a text of it, with comments, blank lines and an end of lines."""
    journey = draw(journeys())
    dice = draw(st.randoms(use_true_random=False))
    lines = []
    for number, line in enumerate(write_journey(journey).splitlines()):
        indent = line[: len(line) - len(line.lstrip())]
        lines += [f"{indent}# above {number}"] if dice.random() < 0.2 else []
        lines.append(line + (f"  # beside {number}" if dice.random() < 0.3 else ""))
        lines += [""] if dice.random() < 0.1 else []
    text = draw(st.sampled_from(("\n", "\r\n"))).join([*lines, *([""] if dice.random() < 0.8 else [])])
    try:
        assume(read_journey(text) == journey)
    except Invalid:
        assume(False)
    return text, journey


def _set(dice: Sequence[int], journey: Journey, step: Step) -> Journey:
    """Another step in the place of one."""
    at = dice[0] % len(journey.steps)
    ids = [*(placed.id for placed in journey.steps), ""]
    targets = tuple(ids[dice[1 + n % 3] % len(ids)] for n in range(len(step.exits())))
    return _placed(journey, [*journey.steps[:at], Placed(ids[at], step, targets), *journey.steps[at + 1 :]])


def _add(dice: Sequence[int], journey: Journey, step: Step) -> Journey:
    at, ids = dice[0] % (len(journey.steps) + 1), [placed.id for placed in journey.steps]
    new = next(name for name in ("new", *(f"n{n}" for n in range(99))) if name not in ids)
    placed = Placed(new, step, tuple(ids[dice[1] % len(ids)] for _ in step.exits()))
    return _placed(journey, [*journey.steps[:at], placed, *journey.steps[at:]])


def _drop(dice: Sequence[int], journey: Journey, _: Step) -> Journey:
    assume(len(journey.steps) > 1)
    at = dice[0] % len(journey.steps)
    gone, rest = journey.steps[at].id, [*journey.steps[:at], *journey.steps[at + 1 :]]
    elsewhere = rest[dice[1] % len(rest)].id
    led = [
        Placed(one.id, one.step, tuple(elsewhere if target == gone else target for target in one.targets))
        for one in rest
    ]
    canvas = {name: at for name, at in journey.canvas.items() if name != gone}
    return _placed(msgspec.structs.replace(journey, canvas=canvas), led)


def _move(dice: Sequence[int], journey: Journey, _: Step) -> Journey:
    rest = list(journey.steps)
    rest.insert(dice[1] % len(rest), rest.pop(dice[0] % len(rest)))
    return _placed(journey, rest)


def _draw(dice: Sequence[int], journey: Journey, _: Step) -> Journey:
    at = {**journey.canvas, journey.steps[dice[0] % len(journey.steps)].id: (dice[1], dice[2] / 4)}
    return msgspec.structs.replace(journey, canvas=at)


EDITS = st.lists(st.sampled_from((_set, _add, _drop, _move, _draw)), min_size=1, max_size=3)
DICE = st.lists(st.integers(0, 999), min_size=4, max_size=4)


@settings(max_examples=60)
@given(authored(), EDITS, DICE, steps)
def test_whatever_is_edited_the_text_then_says(
    written: tuple[str, Journey],
    edits: Sequence[Callable[[Sequence[int], Journey, Step], Journey]],
    dice: Sequence[int],
    step: Step,
) -> None:
    text, journey = written
    for edit in edits:
        journey = edit(dice, journey, step)
    assume(_can_be_written(journey))
    made = rewrite(text, journey)
    assert read_journey(made) == journey
    assert ("\r\n" in made) == ("\r\n" in text) or "\n" not in text
    assert set(re.findall("# above .+", text)) >= set(re.findall("# above .+", made))


GENTLE = st.lists(st.sampled_from((_add, _move, _draw)), min_size=1, max_size=3)
COMMENT = re.compile("# (?:above|beside) [0-9]+")


@settings(max_examples=60)
@given(authored(), GENTLE, DICE, steps)
def test_comments_survive_whatever_comes_or_moves(
    written: tuple[str, Journey],
    edits: Sequence[Callable[[Sequence[int], Journey, Step], Journey]],
    dice: Sequence[int],
    step: Step,
) -> None:
    text, journey = written
    for edit in edits:
        journey = edit(dice, journey, step)
    assume(_can_be_written(journey))
    assert sorted(COMMENT.findall(rewrite(text, journey))) == sorted(COMMENT.findall(text))


@settings(max_examples=60)
@given(authored(), DICE, steps)
def test_the_lines_of_other_steps_stay_as_they_are(
    written: tuple[str, Journey], dice: Sequence[int], step: Step
) -> None:
    text, journey = written
    edited = _set(dice, journey, step)
    assume(_can_be_written(edited))
    root = layout(text)
    whole = root.values[root.at("steps")]
    at = whole.at(journey.steps[dice[0] % len(journey.steps)].id)
    before, after = text[: whole.keys[at].start], _lines_after(text, whole.values[at].end)
    made = rewrite(text, edited)
    assert made.startswith(before)
    assert made.endswith(after)


@settings(max_examples=25)
@given(authored(), journeys())
def test_any_journey_can_become_any_other(written: tuple[str, Journey], other: Journey) -> None:
    text, _ = written
    assume(_can_be_written(other))
    assert read_journey(rewrite(text, other)) == other


POLICY = """\
policy:
  caps:   # not too much
    - {most: 3, days: 7}   # a week
    - {most: 1, days: 1}
  fallback_zone: 'Europe/Berlin'
"""


def test_other_definitions_are_changed_in_their_texts_too() -> None:
    data = {"policy": {"caps": [{"most": 4, "days": 7}], "fallback_zone": "Europe/Wien", "quiet": ["x"]}}
    assert rewrite_data(POLICY, data) == (
        "policy:\n  caps:   # not too much\n    - {most: 4, days: 7}   # a week\n"
        "  fallback_zone: 'Europe/Wien'\n  quiet: [x]\n"
    )
    assert rewrite_data(POLICY, Source(POLICY).data()) == POLICY  # type: ignore[arg-type]


PLAIN = st.recursive(
    st.booleans() | st.integers() | st.text("ab #:-'\n", max_size=5) | st.sampled_from(("x", "2 days")),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("klmn"), PLAIN, min_size=1, max_size=4)


@settings(max_examples=60)
@given(DOCUMENTS, DOCUMENTS)
def test_whatever_is_in_a_document_can_become_anything_else(was: dict[str, Any], now: dict[str, Any]) -> None:
    made = rewrite_data(written(was), now)
    assert Source(made).data() == now


def _with(journey: Journey, placed: Placed) -> Journey:
    return _placed(journey, [placed if one.id == placed.id else one for one in journey.steps])


def _placed(journey: Journey, placed: Sequence[Placed]) -> Journey:
    return msgspec.structs.replace(journey, steps=tuple(placed))


def _can_be_written(journey: Journey) -> bool:
    """Whether a text can say it: only the last step may lead to the end, as it does by itself."""
    try:
        return read_journey(write_journey(journey)) == journey
    except Invalid:
        return False


def _lines_after(text: str, at: int) -> str:
    return text[text.find("\n", at) + 1 or len(text) :]


def _words(line: str) -> str:
    return re.sub("&(soon|paid|mail) ", "", line).rstrip()
