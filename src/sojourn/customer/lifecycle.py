"""The lifecycle: ordered stages, each with a rule; everybody stands in the last whose rule lets them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from sojourn.errors import Invalid
from sojourn.rule.definition import All, Comparison, Rule, Scored
from sojourn.rule.text import dump as dump_rule
from sojourn.rule.text import parse as parse_rule
from sojourn.rule.text.comparisons import joined, mapping_at, only, text_at

MOST_STAGES = 30
NAME = "lifecycle"
"""What the one lifecycle is called where definitions have names."""


class Stage(msgspec.Struct, frozen=True):
    """One stage: who may come to it, and who may stay."""

    name: str
    rule: Rule = All(())
    leave_below: float | None = None  # stay until the score falls below, though `rule` asks for more
    stays: bool = False  # once in, never back

    @property
    def keeps(self) -> Rule | None:
        """Who stays, of those who are in; None where they are those who may come."""
        if self.stays:
            return All(())
        return None if self.leave_below is None else _eased(self.rule, self.leave_below)


def parse(data: object) -> tuple[Stage, ...]:
    """The stages, in order, of a mapping with the key `lifecycle`.  Raises Invalid with the place.

    The first has no rule: there is whoever may stand in no other.
    """
    found = mapping_at(data, "", "a lifecycle")
    only(found, (NAME, "description"), "")
    listed = found.get(NAME)
    if not isinstance(listed, list | tuple) or not 2 <= len(listed) <= MOST_STAGES:
        raise Invalid(f"must be a list of 2 to {MOST_STAGES} stages", place=NAME)
    first = text_at(listed[0], f"{NAME}[0]", "the name of the stage in which everybody begins")
    stages = (Stage(first), *(_stage(one, f"{NAME}[{n}]") for n, one in enumerate(listed[1:], start=1)))
    names = [stage.name for stage in stages]
    for n, name in enumerate(names):
        if name in names[:n]:
            raise Invalid(f"there are two stages {name!r}", place=f"{NAME}[{n}]")
    return stages


def dump(stages: Sequence[Stage]) -> dict[str, object]:
    """The mapping that parse reads."""
    return {NAME: [stages[0].name, *({stage.name: _dump_stage(stage)} for stage in stages[1:])]}


def _stage(data: object, place: str) -> Stage:
    named = mapping_at(data, place, "a stage")
    if len(named) != 1:
        raise Invalid("must be one name with what it takes, such as `MQL: {if: …}`", place=place)
    (name, asked), at = next(iter(named.items())), joined(place, next(iter(named)))
    text_at(name, place, "the name of a stage")
    found = mapping_at(asked, at, "a stage")
    only(found, ("if", "leave_below", "stays"), at)
    if "if" not in found:
        raise Invalid("needs 'if'", place=at)
    stays, below = found.get("stays", False), found.get("leave_below")
    if not isinstance(stays, bool) or (stays and below is not None):
        raise Invalid("must be true, and then there is no `leave_below`", place=joined(at, "stays"))
    if below is not None and (isinstance(below, bool) or not isinstance(below, int | float)):
        raise Invalid("must be a number of points", place=joined(at, "leave_below"))
    rule = parse_rule(found["if"], joined(at, "if"))
    if below is not None:
        _eased(rule, below, joined(at, "leave_below"))
    return Stage(name, rule, None if below is None else float(below), stays)


def _dump_stage(stage: Stage) -> dict[str, object]:
    found: dict[str, object] = {"if": dump_rule(stage.rule)}
    if stage.leave_below is not None:
        below = stage.leave_below
        found["leave_below"] = int(below) if below == int(below) else below
    return found | ({"stays": True} if stage.stays else {})


def _eased(rule: Rule, below: float, place: str = "") -> Rule:
    """The rule with the threshold of its one score lowered.  Raises Invalid where that is not clear."""
    parts = rule.rules if isinstance(rule, All) else (rule,)
    asked = [part for part in parts if isinstance(part, Scored)]
    if len(asked) != 1 or len(asked[0].tests) != 1 or asked[0].tests[0].how not in ("at_least", "above"):
        raise Invalid("needs just one score in `if`, with `at_least` or `above`", place=place)
    if not below <= _threshold(asked[0]):
        raise Invalid(f"must not be more than the {_threshold(asked[0]):g} that lets in", place=place)
    eased = replace(asked[0], tests=(Comparison("at_least", below),))
    return All(tuple(eased if part is asked[0] else part for part in parts))


def _threshold(leaf: Scored) -> float:
    value = leaf.tests[0].value
    return float(value) if isinstance(value, int | float) else 0.0
