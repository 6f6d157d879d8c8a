"""Reads and writes rules, whichever conditions they are made of."""

from __future__ import annotations

from difflib import get_close_matches
from reprlib import repr as shown
from typing import assert_never

from sojourn.errors import Invalid
from sojourn.rule.definition import (
    All,
    Any,
    Bucket,
    Entry,
    InSegment,
    InStage,
    Leaf,
    Not,
    OnList,
    Outcome,
    Performed,
    Rule,
    Scored,
    Sequence,
    Trait,
)
from sojourn.rule.text.comparisons import (
    HOWS,
    WINDOW_KEYS,
    Data,
    dump_comparisons,
    joined,
    mapping_at,
    only,
    parse_comparisons,
    text_at,
)
from sojourn.rule.text.leaves import (
    PERFORMED_KEYS,
    SCORE_KEYS,
    WHATS,
    dump_bucket,
    dump_outcome,
    dump_performed,
    dump_sequence,
    dump_standing,
    parse_bucket,
    parse_outcome,
    parse_performed,
    parse_standing,
)

KEYS: dict[str, tuple[str, ...]] = {
    "trait": HOWS,
    "performed": PERFORMED_KEYS,
    "in_segment": (),
    "score": SCORE_KEYS,
    **dict.fromkeys(("lifecycle", "in_list"), ()),
    **dict.fromkeys(WHATS, WINDOW_KEYS),
    "entry": HOWS,
    **dict.fromkeys(("bucket", "all", "any", "not"), ()),
}
"""What a condition may start with, and the keys that may stand beside it."""

DEEPEST = 32
MOST = 2000  # conditions in one rule: YAML can repeat by reference what would be more than memory holds


def parse(data: object, place: str = "") -> Rule:
    """The rule that the data describe.

    Raises Invalid with the path of the first mistake, which starts with `place`.
    """
    return _Reader().rule(data, place)


def dump(rule: Rule) -> dict[str, object]:
    """The one mapping, of all that mean the same, that this module writes; `parse` reads it back."""
    match rule:
        case Trait(name, tests) | Entry(name, tests):
            return {str(rule.__struct_config__.tag): name, **dump_comparisons(tests)}
        case Performed():
            return dump_performed(rule)
        case Sequence():
            return dump_sequence(rule)
        case InSegment(segment):
            return {"in_segment": segment}
        case Scored() | InStage() | OnList():
            return dump_standing(rule)
        case Outcome():
            return dump_outcome(rule)
        case Bucket():
            return {"bucket": dump_bucket(rule)}
        case _:
            return _dump_joined(rule)


def _dump_joined(rule: All | Any | Not) -> dict[str, object]:
    match rule:
        case All(rules) | Any(rules):
            return {str(rule.__struct_config__.tag): [dump(one) for one in rules]}
        case Not(negated):
            return {"not": dump(negated)}
        case _:
            assert_never(rule)


class _Reader:
    """Reads one rule, and counts the conditions in it."""

    def __init__(self) -> None:
        self._count = 0

    def rule(self, data: object, place: str, depth: int = 0) -> Rule:
        self._count += 1
        if depth > DEEPEST or self._count > MOST:
            raise Invalid(
                f"has over {MOST} conditions or {DEEPEST} levels; make segments of parts", place=place
            )
        found = mapping_at(data, place, "a condition")
        kind = _kind(found, place)
        only(found, (kind, *KEYS[kind]), place)
        at = joined(place, kind)
        match kind:
            case "all":
                return All(self._rules(found[kind], at, depth))
            case "any":
                return Any(self._rules(found[kind], at, depth))
            case "not":
                return Not(self.rule(found[kind], at, depth + 1))
            case _:
                return _leaf(kind, found, place)

    def _rules(self, data: object, place: str, depth: int) -> tuple[Rule, ...]:
        if not isinstance(data, list | tuple):
            raise Invalid(f"must be a list of conditions, not {shown(data)}", place=place)
        return tuple(self.rule(one, f"{place}[{n}]", depth + 1) for n, one in enumerate(data))


def _kind(data: Data, place: str) -> str:
    """What the condition starts with, wherever that stands among its keys."""
    kinds = [key for key in data if key in KEYS]
    if len(kinds) > 1:
        hint = f"{kinds[0]!r} and {kinds[1]!r} are two conditions; join them by `all: [...]`"
        raise Invalid(hint, place=joined(place, kinds[1]))
    if kinds:
        return kinds[0]
    for key in data:
        if close := get_close_matches(key, KEYS, n=1):
            raise Invalid(f"unknown condition {key!r}; did you mean {close[0]!r}?", place=joined(place, key))
    known = f"a condition starts with one of: {', '.join(KEYS)}"
    for key in data:
        raise Invalid(f"unknown condition {key!r}; {known}", place=joined(place, key))
    raise Invalid(f"says nothing; {known}", place=place)


def _leaf(kind: str, data: Data, place: str) -> Leaf | InSegment:
    at = joined(place, kind)
    match kind:
        case "trait":
            return Trait(text_at(data[kind], at, "the name of a trait"), parse_comparisons(data, place))
        case "entry":
            return Entry(text_at(data[kind], at, "the name of a property"), parse_comparisons(data, place))
        case "performed":
            return parse_performed(data, place)
        case "in_segment":
            return InSegment(text_at(data[kind], at, "the name of a segment"))
        case "score" | "lifecycle" | "in_list":
            return parse_standing(data, place)
        case "bucket":
            return parse_bucket(data[kind], at)
        case _:
            return parse_outcome(data, place)
