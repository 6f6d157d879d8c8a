"""Follows plain data down a YAML text and changes what differs there, in as small a value as can be.

The text may say the same in other forms than ours, in short or with anchors: then it is followed as far down
as it is in our form, and what is below is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sojourn.journey.changing.diff import aligned
from sojourn.journey.text.layout import MERGE, Part, layout
from sojourn.journey.text.splice import Splices

THEN = "then"


@dataclass(frozen=True)
class Ways:
    """The exits of a step while its text is followed: their keys, and where they lead if nothing is said."""

    keys: frozenset[str]
    following: str


NONE = Ways(frozenset(), "")


def passed(text: str, edit: Callable[[Editing, Part], None], *, coarse: bool) -> str:
    """The text after an edit of its outermost part.

    What refers to an anchor within which something changed is written out.  Raises Entangled.
    """
    broken: frozenset[str] = frozenset()
    while True:
        editing, root = Editing(Splices(text), coarse, broken), layout(text)
        edit(editing, root)
        anchored = (part for part in root.within() if part.anchor and part.kind != "alias")
        touched = {part.anchor for part in anchored if editing.changes.touches(part)}
        if touched <= broken:
            return editing.changes.done()
        broken |= touched


@dataclass(frozen=True)
class Editing:
    """One pass over a text; aliases of anchors in `broken` are written out.

    If it is `coarse`, values of the outermost mapping and of steps are replaced as wholes.
    """

    changes: Splices
    coarse: bool
    broken: frozenset[str]

    def _value(self, whole: Part, at: int, was: Any, now: Any, ways: Ways = NONE) -> None:
        """Have an entry that says `was` say `now`."""
        part = whole.values[at]
        nested = bool(ways.keys) and isinstance(now, Mapping | list)
        if same(was, now) and not nested and not self.stale(part):
            return
        match part.kind, was, now:
            case "mapping", Mapping(), Mapping() if self.follows(part, was, now, ways):
                self.mapping(part, was, now, ways)
            case "sequence", list(), list() if len(part.values) == len(was) and now:
                self._sequence(part, was, now, ways)
            case "scalar", Mapping(), Mapping() if len(was) == len(now) == 1 and was.keys() == now.keys():
                (short,) = now.values()  # `send: hello` is short for `send: {template: hello}`
                if not same(was, now):
                    self.changes.replace(whole, at, short)
            case _:
                self.changes.replace(whole, at, _without_end(now))

    def mapping(
        self, part: Part, was: Mapping[str, Any], now: Mapping[str, Any], ways: Ways, *, top: bool = False
    ) -> None:
        behind, ends = -1, {name for name in now if name in ways.keys and now[name] == ""}
        for name, value in now.items():
            at = part.at(name)
            if at >= 0 and name not in ends:
                behind = at
                if top and self.coarse and not same(was.get(name), value):
                    self.changes.replace(part, at, value)
                else:
                    inner = ways if isinstance(value, list) else NONE
                    self._value(part, at, was.get(name), value, inner)
            elif at < 0 and self._is_missing(name, was, now, ways):
                self.changes.insert(part, behind, self.changes.entry(part, name, value))
        gone = {part.at(name) for name in (*was, *ends) if name not in now or name in ends} - {-1}
        if gone:
            self.changes.remove(part, gone)

    def _is_missing(self, name: str, was: Mapping[str, Any], now: Mapping[str, Any], ways: Ways) -> bool:
        """Whether a text without this key does not say what it is to say."""
        if name in ways.keys and not isinstance(now[name], list):
            return bool(now[name] not in ("", ways.following))
        return name not in was or not same(was[name], now[name])

    def _sequence(self, part: Part, was: Sequence[Any], now: Sequence[Any], ways: Ways) -> None:
        behind, gone = -1, set()
        inner = Ways(ways.keys & {THEN}, ways.following)
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

    def follows(self, part: Part, was: Mapping[str, Any], now: Mapping[str, Any], ways: Ways) -> bool:
        """Whether the text is in the form in which both are compared, at least on this level."""
        merges = [value for name, value in zip(part.names, part.values, strict=True) if name == MERGE]
        if merges:
            return not any(map(self.stale, merges)) and was.keys() <= now.keys()
        said = {name for name in was if name not in ways.keys}
        return said <= set(part.names) and bool(said & now.keys())

    def stale(self, part: Part) -> bool:
        """Whether it stands for something that says something else from now on."""
        return any(one.kind == "alias" and one.anchor in self.broken for one in part.within())


def same(one: Any, other: Any) -> bool:
    """Whether both mean the same: 1 is 1.0, and is not true."""
    match one, other:
        case Mapping(), Mapping():
            return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case _:
            return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _without_end(way: Any) -> Any:
    """A way as a text has it, which does not say of the last that it leads to the end."""
    if isinstance(way, Mapping) and way.get(THEN) == "":
        return {key: value for key, value in way.items() if key != THEN}
    return way
