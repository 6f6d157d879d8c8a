"""Says rules as English sentences about a customer, “they”."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from sojourn.rule.definition import (
    WHEN,
    All,
    Any,
    Bucket,
    Comparison,
    Condition,
    Entry,
    InSegment,
    InStage,
    Link,
    Not,
    OnList,
    Outcome,
    Performed,
    Rule,
    Scored,
    Sequence,
    Trait,
    What,
    Window,
)
from sojourn.rule.span import Span

_SAID = {
    "is": "is {}",
    "is_not": "is known and not {}",
    "in": "is one of {}",
    "above": "is above {}",
    "at_least": "is at least {}",
    "below": "is below {}",
    "at_most": "is at most {}",
    "between": "is from {} to {}",
    "contains": "contains {}",
    "starts_with": "starts with {}",
    "ends_with": "ends with {}",
    "matches": "matches the pattern {}",
    "before": "is before {}",
    "after": "is after {}",
    "within_last": "lies within the last {}",
    "within_next": "lies within the next {}",
    "more_than_ago": "lies more than {} back",
    "more_than_ahead": "lies more than {} ahead",
}

_VERBS: dict[What, str] = {
    "sent": "they were sent {}",
    "delivered": "they received {}",
    "opened": "they opened {}",
    "clicked": "they clicked in {}",
    "bounced": "{} bounced",
}

_OF = {"sum": "the sum of", "min": "the least", "max": "the greatest", "avg": "the mean of"}


def sentence(rule: Rule) -> str:
    """The rule as a sentence; it names all that the rule names."""
    clause = _clause(rule)
    first = 1 if clause.startswith("(") else 0
    return f"{clause[: first + 1].upper()}{clause[first + 1 :]}."


def _clause(rule: Rule) -> str:
    match rule:
        case All(rules):
            return _joined(rules, "and") or "this is anybody"
        case Any(rules):
            return _joined(rules, "or") or "this is nobody"
        case Not(negated):
            return f"it is not so that {_inner(negated)}"
        case Trait(name, tests) | Entry(name, tests):
            whose = "their" if isinstance(rule, Trait) else "the entering event’s"
            return f"{whose} {_quoted(name)} {_tests(tests)}"
        case Performed():
            return _performed(rule)
        case InSegment(segment):
            return f"they are in the segment {_quoted(segment)}"
        case Scored() | InStage() | OnList():
            return _of_standing(rule)
        case _:
            return _of_chain_or_message(rule)


def _of_standing(rule: Scored | InStage | OnList) -> str:
    match rule:
        case Scored(score, tests, group):
            part = f", its group {_quoted(group)} alone," if group else ""
            return f"their score {_quoted(score)}{part} {_tests(tests)}"
        case InStage(stages):
            return f"they stand in the stage {' or '.join(map(_quoted, stages))}"
        case OnList(name):
            return f"they are on the list {_quoted(name)}"
        case _:
            assert_never(rule)


def _of_chain_or_message(rule: Sequence | Outcome | Bucket) -> str:
    match rule:
        case Sequence(links, within, window):
            steps = ", then ".join(_link(link) for link in links)
            return f"they did {steps}" + (f", all within {within}" if within else "") + _window(window)
        case Outcome():
            return _outcome(rule)
        case Bucket(below, of, salt):
            drawn = f", drawn as {_quoted(salt)}" if salt else ""
            return f"they fall into {below} of {of} equal random parts{drawn}"
        case _:
            assert_never(rule)


def _joined(rules: Iterable[Rule], word: str) -> str:
    return f", {word} ".join(_inner(rule) for rule in rules)


def _inner(rule: Rule) -> str:
    """The clause as a part of another: in brackets where its own and/or would run into the other's."""
    clause = _clause(rule)
    return f"({clause})" if isinstance(rule, All | Any) and len(rule.rules) > 1 else clause


def _performed(rule: Performed) -> str:
    what = _event(rule.event, rule.where)
    asked = [f"{_OF[one.of]} {_quoted(one.name)} {_tests(one.tests)}" for one in rule.measures]
    asked += [f"of the {which} of them {_conditions(edge)}" for which, edge in _edges(rule) if edge]
    last = f", where {' and '.join(asked)}" if asked else ""
    if rule.most == 0:
        return f"they never did {what}{_window(rule.window)}"
    return f"they did {what} {_times(rule.least, rule.most)}{_window(rule.window)}{last}"


def _edges(rule: Performed) -> tuple[tuple[str, tuple[Condition, ...]], ...]:
    return ("first", rule.first), ("last", rule.last)


def _times(least: int, most: int | None) -> str:
    if most is None:
        return "at least once" if least == 1 else f"at least {least} times"
    if least == most:
        return "exactly once" if most == 1 else f"exactly {most} times"
    return f"from {least} to {most} times" if least else f"at most {most} times"


def _link(link: Link) -> str:
    return _event(link.event, link.where)


def _event(name: str, where: tuple[Condition, ...]) -> str:
    relative = any(isinstance(test.value, Span) for one in where for test in one.tests)
    then = ", seen from then" if relative else ""
    return _quoted(name) + (f" (whose {_conditions(where)}{then})" if where else "")


def _outcome(rule: Outcome) -> str:
    message = f"the message of step {_quoted(rule.step)}" if rule.step else "a message"
    of = f" with template {_quoted(rule.template)}" if rule.template else ""
    of += f" of journey {_quoted(rule.journey)}" if rule.journey else ""
    of += f" (where {_conditions(rule.where)})" if rule.where else ""
    by = ", be it by a machine" if rule.machine else ""
    return _VERBS[rule.what].format(message + of) + _window(rule.window) + by


def _window(window: Window) -> str:
    said = f" within the last {window.within}" if window.within else ""
    said += f" from {window.between[0]} to {window.between[1]}" if window.between else ""
    return said + (" since they entered the journey" if window.since_entry else "")


def _conditions(conditions: Iterable[Condition]) -> str:
    return " and ".join(
        f"{'the time' if one.name == WHEN else _quoted(one.name)} {_tests(one.tests)}" for one in conditions
    )


def _tests(tests: Iterable[Comparison]) -> str:
    return " and ".join(_test(test) for test in tests)


def _test(test: Comparison) -> str:
    if test.how == "exists":
        return "is known" if test.value else "is not known"
    if test.how == "between" and isinstance(test.value, tuple):
        return _SAID[test.how].format(*test.value)
    return _SAID[test.how].format(_value(test.value))


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    return f"“{text}”"
