"""Says what two journeys have not in common: steps, where their exits lead, settings; not lines of text.

A step is known by its id: another id is another step.  What only changes where steps are drawn is told
apart, because nobody inside notices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import msgspec

from sojourn.journey.definition import Journey, Placed
from sojourn.journey.text.journey import data_of
from sojourn.journey.text.source import on_one_line
from sojourn.journey.text.steps import kind_of, whole_step

ADDED, REMOVED, REPLACED, REWIRED, SETTING, DRAWN = (
    "added",  # a step that was not there
    "removed",  # a step that is no more
    "replaced",  # a step that is of another kind now
    "rewired",  # an exit that leads elsewhere, or a way that came or went
    "setting",  # anything else of a step or of the whole journey
    "drawn",  # where a step stands on the canvas
)
WHERE_THEY_STAND = (REMOVED, REPLACED, REWIRED, SETTING)
"""What concerns those who stand on the step."""

_APART = ("steps", "canvas")
_THEN = "then"
_START = "start"
"""The place of the first step, which a text does not name."""


class Change(msgspec.Struct, frozen=True):
    """One thing that differs; `before` and `after` are as in the text, null where there is nothing.

    `step` is '' where it concerns the whole journey, `place` is the path within the step or the journey,
    '' for all of it.  Exits lead to '' where they complete the journey.
    """

    what: str
    step: str
    place: str
    before: Any = None
    after: Any = None


def changes(before: Journey | None, after: Journey | None) -> tuple[Change, ...]:
    """What makes the one the other: the journey's own first, then step by step.

    None is a journey that is not there: all of the other's steps are added, or removed.
    """
    if not before or not after:
        whole = after or before
        what = ADDED if after else REMOVED
        return tuple(_all_of(what, placed) for placed in whole.steps) if whole else ()
    found = [*_own(before, after), *_steps(before, after)]
    drawn = differences(data_of(before).get("canvas", {}), data_of(after).get("canvas", {}), "canvas")
    return (*found, *(Change(DRAWN, *_drawn(place), was, now) for place, was, now in drawn))


def differences(before: Any, after: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The smallest parts that differ: their path, the old and the new; None where there is none."""
    match before, after:
        case Mapping(), Mapping():
            for key in [*before, *(key for key in after if key not in before)]:
                path = f"{place}.{key}" if place else key
                yield from differences(before.get(key), after.get(key), path)
        case list(), list() if not place.startswith("canvas"):
            for old, new in aligned(before, after):
                at = f"{place}[{old if new is None else new}]"
                one, other = (
                    None if old is None else before[old],
                    None if new is None else after[new],
                )
                yield from differences(one, other, at)
        case _:
            if before != after or isinstance(before, bool) != isinstance(after, bool):
                yield place, before, after


def sentence(change: Change) -> str:
    """The change in one line for people: `pause.wait: 2 days → 3 days`."""
    where = ".".join(part for part in (change.step, change.place) if part)
    match change.what:
        case "added":
            return f"{where}: {_shown(change.after)}"
        case "removed":
            return f"{where}: {_shown(change.before)}"
        case _:
            return f"{where}: {_shown(change.before)} → {_shown(change.after)}"


def _own(before: Journey, after: Journey) -> Iterator[Change]:
    was, now = ({k: v for k, v in data_of(one).items() if k not in _APART} for one in (before, after))
    for place, old, new in differences(was, now, ""):
        yield Change(SETTING, "", place, old, new)
    first, then = before.steps[0].id, after.steps[0].id
    if first != then:
        yield Change(REWIRED, "", _START, first, then)


def _steps(before: Journey, after: Journey) -> Iterator[Change]:
    """Those that are there now, in their order, then those that are gone."""
    was = {placed.id: placed for placed in before.steps}
    for placed in after.steps:
        if placed.id in was:
            yield from _step(was.pop(placed.id), placed)
        else:
            yield _all_of(ADDED, placed)
    for placed in was.values():
        yield _all_of(REMOVED, placed)


def _step(before: Placed, after: Placed) -> Iterator[Change]:
    was, now = whole_step(before), whole_step(after)
    if kind_of(before.step) != kind_of(after.step):
        yield Change(REPLACED, after.id, "", was, now)
        return
    wires = {_THEN, *before.step.exits(), *after.step.exits()}
    for place, old, new in differences(was, now, ""):
        way, _, end = place.rpartition("]")
        wired = place in wires or (way and end in ("", ".then") and _is_way(way, was, now))
        yield Change(REWIRED if wired else SETTING, after.id, place, old, new)


def _is_way(path: str, *steps: Mapping[str, object]) -> bool:
    """Whether `kind[3` is the path of an entry of a step's own list."""
    kind = path.rpartition("[")[0]
    return any(isinstance(step.get(kind), list) for step in steps)


def _all_of(what: str, placed: Placed) -> Change:
    whole = whole_step(placed)
    return Change(what, placed.id, "", *((None, whole) if what == ADDED else (whole, None)))


def _drawn(place: str) -> tuple[str, str]:
    """The step that a place on the canvas is of, and the place within it."""
    return place.partition(".")[2].partition("[")[0], "canvas"


def aligned(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[int | None, int | None]]:
    """Which entry of the one list became which of the other; None where it has no counterpart.

    Ways are the same if they ask the same, wherever they lead.
    """
    was, now = [_asked(one) for one in before], [_asked(one) for one in after]
    for _, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        both = min(b - a, d - c)
        yield from zip(range(a, a + both), range(c, c + both), strict=True)
        yield from ((old, None) for old in range(a + both, b))
        yield from ((None, new) for new in range(c + both, d))


def _asked(entry: Any) -> bytes:
    rest = {k: v for k, v in entry.items() if k != _THEN} if isinstance(entry, Mapping) else entry
    return msgspec.json.encode(rest, order="deterministic", enc_hook=str)


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case "":
            return "the end"
        case str():
            return value
        case _:
            return on_one_line(_without_ends(value))


def _without_ends(value: Any) -> Any:
    """The same without the exits that complete the journey, which a text leaves out."""
    match value:
        case Mapping():
            return {key: _without_ends(part) for key, part in value.items() if part != ""}
        case list():
            return [_without_ends(part) for part in value]
        case _:
            return value
