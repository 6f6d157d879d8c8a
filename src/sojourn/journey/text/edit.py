"""Edits a journey in its text: only what changed is written anew, every other letter stays as it was.

So comments, order, quotes, anchors and line ends are the author's, whoever changed the journey.  Both
journeys are compared in the one form that we write ourselves; where they differ, the text is followed as
far down as it is in that form, and the smallest value there is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.errors import Invalid
from sojourn.journey.definition import Journey, Placed
from sojourn.journey.diff import aligned
from sojourn.journey.text.arrange import arranged
from sojourn.journey.text.journey import data_of, read_journey
from sojourn.journey.text.layout import MERGE, Part, layout
from sojourn.journey.text.splice import Entangled, Splices
from sojourn.journey.text.steps import whole_step, write_steps

_THEN = "then"


def rewrite(text: str, journey: Journey) -> str:
    """The text so changed that it says `journey`; the text itself if it does so already.

    Raises Invalid, with the line, where that cannot be done without taking the text apart: where anchors
    stand for what is to differ from now on.
    """
    before = read_journey(text)
    if _says(before, journey):
        return text
    for coarse in (False, True):
        changed = _changed(text, before, journey, coarse=coarse)
        if changed is not None:
            return changed
    anchored = next((part for part in layout(text).within() if part.anchor), None)
    line = text.count("\n", 0, anchored.start) + 1 if anchored else 1
    raise Invalid("cannot be changed in place; write out what its anchors stand for", line=line)


def _changed(text: str, before: Journey, after: Journey, *, coarse: bool) -> str | None:
    """The text with the changes, None if it then said something else."""
    try:
        text = arranged(text, before, after)
        broken: frozenset[str] = frozenset()
        while True:
            editing, root = _Editing(Splices(text), coarse, broken), layout(text)
            editing.journey(root, before, after)
            anchored = (part for part in root.within() if part.anchor and part.kind != "alias")
            touched = {part.anchor for part in anchored if editing.changes.touches(part)}
            if touched <= broken:
                break
            broken |= touched
        made = editing.changes.done()
        return made if _says(read_journey(made), after) else None
    except (Entangled, Invalid):
        return None


def _says(one: Journey, other: Journey) -> bool:
    """Whether both are the same journey, with the steps in the same order."""
    return [step.id for step in one.steps] == [step.id for step in other.steps] and _same(
        data_of(one), data_of(other)
    )


def _on_grid(journey: Journey) -> Journey:
    """The journey with whole numbers on its canvas where they are whole."""
    canvas = {step: (_whole(x), _whole(y)) for step, (x, y) in journey.canvas.items()}
    return msgspec.structs.replace(journey, canvas=canvas)


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


@dataclass(frozen=True)
class _Ways:
    """The exits of a step while its text is followed: their keys, and where they lead if nothing is said."""

    keys: frozenset[str]
    following: str


_NONE = _Ways(frozenset(), "")


@dataclass(frozen=True)
class _Place:
    """A step's place: what follows it, whether it says the `same` there as before, and how we write it."""

    following: str
    same: bool
    written: object


@dataclass(frozen=True)
class _Editing:
    """One pass over a text; aliases of anchors in `broken` are written out."""

    changes: Splices
    coarse: bool
    broken: frozenset[str]

    def journey(self, root: Part, before: Journey, after: Journey) -> None:
        """All that differs between two journeys, of which the text has the second's steps in their order."""
        was, now = (
            {key: value for key, value in data_of(one).items() if key != "steps"}
            for one in (before, _on_grid(after))
        )
        if root.at("canvas") < 0 and not root.flow and (drawn := now.pop("canvas", None)):
            self.changes.append(root, self.changes.entry(root, "canvas", drawn, own_lines=True))
        self._mapping(root, was, now, _NONE, top=True)
        steps, old, new = root.values[root.at("steps")], _by_id(before), write_steps(after.steps)
        led, leads = _following(before), _following(after)
        for placed in after.steps:
            one, following = old.get(placed.id, placed), leads[placed.id]
            if (at := steps.at(placed.id)) < 0:
                raise Entangled
            same = _same(whole_step(one), whole_step(placed)) and led.get(placed.id, following) == following
            self._step(steps, at, one, placed, _Place(following, same, new[placed.id]))

    def _step(self, steps: Part, at: int, was: Placed, now: Placed, place: _Place) -> None:
        part, one, other = steps.values[at], whole_step(was), whole_step(now)
        if place.same and not self._stale(part):
            return
        keys = frozenset({_THEN, *was.step.exits(), *now.step.exits()})
        ways = _Ways(keys, place.following)
        fine = part.kind == "mapping" and not self.coarse and type(was.step) is type(now.step)
        if fine and self._follows(part, one, other, ways):
            self._mapping(part, one, other, ways)
        else:
            self.changes.replace(steps, at, place.written)

    def _value(self, whole: Part, at: int, was: Any, now: Any, ways: _Ways = _NONE) -> None:
        """Have an entry that says `was` say `now`."""
        part = whole.values[at]
        nested = bool(ways.keys) and isinstance(now, Mapping | list)
        if _same(was, now) and not nested and not self._stale(part):
            return
        match part.kind, was, now:
            case "mapping", Mapping(), Mapping() if self._follows(part, was, now, ways):
                self._mapping(part, was, now, ways)
            case "sequence", list(), list() if len(part.values) == len(was) and now:
                self._sequence(part, was, now, ways)
            case "scalar", Mapping(), Mapping() if len(was) == len(now) == 1 and was.keys() == now.keys():
                (short,) = now.values()  # `send: hello` is short for `send: {template: hello}`
                if not _same(was, now):
                    self.changes.replace(whole, at, short)
            case _:
                self.changes.replace(whole, at, _without_end(now))

    def _mapping(
        self, part: Part, was: Mapping[str, Any], now: Mapping[str, Any], ways: _Ways, *, top: bool = False
    ) -> None:
        behind, ends = -1, {name for name in now if name in ways.keys and now[name] == ""}
        for name, value in now.items():
            at = part.at(name)
            if at >= 0 and name not in ends:
                behind = at
                if top and self.coarse and not _same(was.get(name), value):
                    self.changes.replace(part, at, value)
                else:
                    inner = ways if isinstance(value, list) else _NONE
                    self._value(part, at, was.get(name), value, inner)
            elif at < 0 and self._is_missing(name, was, now, ways):
                self.changes.insert(part, behind, self.changes.entry(part, name, value))
        gone = {part.at(name) for name in (*was, *ends) if name not in now or name in ends} - {-1}
        if gone:
            self.changes.remove(part, gone)

    def _is_missing(self, name: str, was: Mapping[str, Any], now: Mapping[str, Any], ways: _Ways) -> bool:
        """Whether a text without this key does not say what it is to say."""
        if name in ways.keys and not isinstance(now[name], list):
            return bool(now[name] not in ("", ways.following))
        return name not in was or not _same(was[name], now[name])

    def _sequence(self, part: Part, was: Sequence[Any], now: Sequence[Any], ways: _Ways) -> None:
        behind, gone = -1, set()
        inner = _Ways(ways.keys & {_THEN}, ways.following)
        for old, new in aligned(was, now):
            if old is None and new is not None:
                self.changes.insert(part, behind, self.changes.item(part, _without_end(now[new])))
            elif old is not None and new is None:
                gone.add(old)
            elif old is not None and new is not None:
                behind = old
                self._value(part, old, was[old], now[new], inner)
        if gone:
            self.changes.remove(part, gone)

    def _follows(self, part: Part, was: Mapping[str, Any], now: Mapping[str, Any], ways: _Ways) -> bool:
        """Whether the text is in the form in which both are compared, at least on this level."""
        merges = [value for name, value in zip(part.names, part.values, strict=True) if name == MERGE]
        if merges:
            return not any(map(self._stale, merges)) and was.keys() <= now.keys()
        said = {name for name in was if name not in ways.keys}
        return said <= set(part.names) and bool(said & now.keys())

    def _stale(self, part: Part) -> bool:
        """Whether it stands for something that says something else from now on."""
        return any(one.kind == "alias" and one.anchor in self.broken for one in part.within())


def _by_id(journey: Journey) -> dict[str, Placed]:
    return {placed.id: placed for placed in journey.steps}


def _following(journey: Journey) -> dict[str, str]:
    ids = [placed.id for placed in journey.steps]
    return dict(zip(ids, [*ids[1:], ""], strict=True))


def _same(one: Any, other: Any) -> bool:
    """Whether both mean the same: 1 is 1.0, and is not true."""
    match one, other:
        case Mapping(), Mapping():
            return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(_same, one, other))
        case _:
            return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _without_end(way: Any) -> Any:
    """A way as a text has it, which does not say of the last that it leads to the end."""
    if isinstance(way, Mapping) and way.get(_THEN) == "":
        return {key: value for key, value in way.items() if key != _THEN}
    return way
