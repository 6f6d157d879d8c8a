"""Edits a journey in its text: only what changed is written anew, every other letter stays as it was.

So comments, order, quotes, anchors and line ends are the author's, whoever changed the journey.  Both
journeys are compared in the one form that we write ourselves; where they differ, the text is followed as
far down as it is in that form, and the smallest value there is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from sojourn.errors import Invalid
from sojourn.journey.definition import Journey, Placed
from sojourn.journey.text.arrange import arranged
from sojourn.journey.text.follow import NONE, THEN, Editing, Ways, passed, same
from sojourn.journey.text.journey import data_of, read_journey
from sojourn.journey.text.layout import Part, layout
from sojourn.journey.text.source import Source, written
from sojourn.journey.text.splice import Entangled
from sojourn.journey.text.steps import whole_step, write_steps


def rewrite(text: str, journey: Journey) -> str:
    """The text so changed that it says `journey`; the text itself if it does so already.

    Raises Invalid, with the line, where that cannot be done without taking the text apart: where anchors
    stand for what is to differ from now on.
    """
    before = read_journey(text)

    def changed(coarse: bool) -> str:
        there = arranged(text, before, journey)
        return passed(there, lambda editing, root: _edit(editing, root, before, journey), coarse=coarse)

    def says(made: str) -> bool:
        return _is(read_journey(made), journey)

    return text if _is(before, journey) else _first(text, changed, says)


def rewrite_data(text: str, data: Mapping[str, object]) -> str:
    """The same for any other text: so changed that it says these plain data."""
    before = Source(text).data()
    if same(before, data):
        return text
    if not isinstance(before, Mapping) or not before.keys() & data.keys():
        return written(data)

    def changed(coarse: bool) -> str:
        return passed(
            text, lambda editing, root: editing.mapping(root, before, data, NONE, top=True), coarse=coarse
        )

    return _first(text, changed, lambda made: same(Source(made).data(), data))


def _first(text: str, changed: Callable[[bool], str], says: Callable[[str], bool]) -> str:
    """The text as finely changed as it then says what it should."""
    for coarse in (False, True):
        try:
            made = changed(coarse)
            if says(made):
                return made
        except (Entangled, Invalid):
            continue
    anchored = next((part for part in layout(text).within() if part.anchor), None)
    line = text.count("\n", 0, anchored.start) + 1 if anchored else 1
    mend = "write out what its anchors stand for" if anchored else "change it by hand"
    raise Invalid(f"cannot be changed in place; {mend}", line=line)


def _is(one: Journey, other: Journey) -> bool:
    """Whether both are the same journey, with the steps in the same order."""
    ids = ([step.id for step in journey.steps] for journey in (one, other))
    return next(ids) == next(ids) and same(data_of(one), data_of(other))


def _edit(editing: Editing, root: Part, before: Journey, after: Journey) -> None:
    """All that differs between two journeys, of which the text has the second's steps in their order."""
    was, now = (
        {key: value for key, value in data_of(one).items() if key != "steps"}
        for one in (before, _on_grid(after))
    )
    if root.at("canvas") < 0 and not root.flow and (drawn := now.pop("canvas", None)):
        editing.changes.append(root, editing.changes.entry(root, "canvas", drawn, own_lines=True))
    editing.mapping(root, was, now, NONE, top=True)
    steps, old, new = root.values[root.at("steps")], _by_id(before), write_steps(after.steps)
    led, leads = _following(before), _following(after)
    for placed in after.steps:
        one, following = old.get(placed.id, placed), leads[placed.id]
        if (at := steps.at(placed.id)) < 0:
            raise Entangled
        stays = same(whole_step(one), whole_step(placed)) and led.get(placed.id, following) == following
        if stays and not editing.stale(steps.values[at]):
            continue
        if not _followed(editing, steps.values[at], one, placed, following):
            editing.changes.replace(steps, at, new[placed.id])


def _followed(editing: Editing, part: Part, was: Placed, now: Placed, following: str) -> bool:
    """Change what differs within a step; whether that is possible."""
    one, other = whole_step(was), whole_step(now)
    ways = Ways(frozenset({THEN, *was.step.exits(), *now.step.exits()}), following)
    if part.kind != "mapping" or editing.coarse or type(was.step) is not type(now.step):
        return False
    if not editing.follows(part, one, other, ways):
        return False
    editing.mapping(part, one, other, ways)
    return True


def _on_grid(journey: Journey) -> Journey:
    """The journey with whole numbers on its canvas where they are whole."""
    canvas = {step: (_whole(x), _whole(y)) for step, (x, y) in journey.canvas.items()}
    return msgspec.structs.replace(journey, canvas=canvas)


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _by_id(journey: Journey) -> dict[str, Placed]:
    return {placed.id: placed for placed in journey.steps}


def _following(journey: Journey) -> dict[str, str]:
    ids = [placed.id for placed in journey.steps]
    return dict(zip(ids, [*ids[1:], ""], strict=True))
