"""Says what a rule looks at: which events, traits and segments, and how far back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import assert_never

from sojourn.errors import Invalid
from sojourn.rule.definition import (
    EVENTS,
    WHEN,
    All,
    Any,
    Bucket,
    Comparison,
    Condition,
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
    Standing,
    Trait,
    Window,
)
from sojourn.rule.span import Span
from sojourn.rule.standing.marks import CHANGES, joins
from sojourn.rule.standing.named import Named, Score


@dataclass(frozen=True)
class Needs:
    """What must be at hand for a rule to be read; `a | b` is what both need together."""

    events: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    properties: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by event
    segments: frozenset[str] = frozenset()  # those named, also by the rules of other segments
    entry: frozenset[str] = frozenset()  # properties of the event by which a run entered
    reach: int | None = 0  # how far back from now events count, microseconds; None: all of them
    outcomes: bool = False  # whether it reads what became of messages
    run: bool = False  # whether it asks about the run, so that it is of no use outside a journey
    timed: bool = False  # whether time alone may change its answer
    scores: frozenset[str] = frozenset()  # those named, also by way of others
    stages: frozenset[str] = frozenset()  # of the lifecycle
    lists: frozenset[str] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.events | other.events,
            self.traits | other.traits,
            _joined(self.properties, other.properties),
            self.segments | other.segments,
            self.entry | other.entry,
            None if self.reach is None or other.reach is None else max(self.reach, other.reach),
            self.outcomes or other.outcomes,
            self.run or other.run,
            self.timed or other.timed,
            self.scores | other.scores,
            self.stages | other.stages,
            self.lists | other.lists,
        )


def needs(rule: Rule, segments: Mapping[str, Rule]) -> Needs:
    """What the rule looks at, also through the rules of segments and by way of scores (`Named`).

    What is not known is named only.  Raises Invalid when segments or scores lead back to themselves.
    """
    scores = Named.of(segments).scores
    return _together(_of_part(part, scores) for part, _ in parts(rule, segments))


def parts(
    rule: Rule, segments: Mapping[str, Rule], path: tuple[str, ...] = ()
) -> Iterator[tuple[Leaf | InSegment, tuple[str, ...]]]:
    """What the rule is made of, also through segments and scores, each with those that lead to it.

    The events that give points are parts like the others.  Raises Invalid when segments or scores lead
    back to themselves.
    """
    match rule:
        case All(rules) | Any(rules):
            for one in rules:
                yield from parts(one, segments, path)
        case Not(negated):
            yield from parts(negated, segments, path)
        case InSegment(segment):
            yield rule, path
            if segment in segments:
                yield from parts(segments[segment], segments, _further(path, segment))
        case Scored(name):
            yield rule, path
            if name in (scores := Named.of(segments).scores):
                for part in scored_by(scores[name].only(rule.group)):
                    yield from parts(part, segments, _further(path, f"score {name}"))
        case _:
            yield rule, path


def scored_by(score: Score) -> Iterator[Rule]:
    """What gives points to a score: the rules that must hold, and those that look at the events."""
    for group in score.groups:
        yield from (fit.rule for fit in group.fits)
        yield from (gain.picks for gain in score.gains(group))


def _further(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    if name in path:
        circle = " → ".join((*path[path.index(name) :], name))
        raise Invalid(f"segments lead back to themselves: {circle}")
    return (*path, name)


def _joined(
    one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    return {event: one.get(event, frozenset()) | other.get(event, frozenset()) for event in {*one, *other}}


def _together(found: Iterable[Needs]) -> Needs:
    return reduce(Needs.__or__, found, Needs())


def _of_part(part: Leaf | InSegment, scores: Mapping[str, Score]) -> Needs:
    match part:
        case Scored() | InStage() | OnList():
            return _of_standing(part, scores)
        case InSegment(segment):
            return Needs(segments=frozenset((segment,)))
        case Trait(name, tests):
            return Needs(traits=frozenset((name,)), timed=_timed(tests))
        case Entry(name, tests):
            return Needs(entry=frozenset((name,)), run=True, timed=_timed(tests))
        case Performed():
            return _of_performed(part)
        case Sequence(links, _, window):
            return _together(_of_events((one.event,), _names(one.where), window) for one in links)
        case Outcome():
            return _of_outcome(part)
        case Bucket():
            return Needs()
        case _:
            assert_never(part)


def _of_standing(part: Standing, scores: Mapping[str, Score]) -> Needs:
    match part:
        case Scored(name, _, group):
            fading = name in scores and any(one.half_life for one in scores[name].only(group).groups)
            return Needs(scores=frozenset((name,)), timed=fading)
        case InStage(stages):
            return _of_performed(CHANGES) | Needs(stages=frozenset(stages))
        case OnList(name):
            return _together(_of_performed(one) for one in joins(part)) | Needs(lists=frozenset((name,)))
        case _:
            assert_never(part)


def _of_performed(rule: Performed) -> Needs:
    edges = (*rule.first, *rule.last)
    names = _names(rule.where) | {one.name for one in rule.measures} | _names(edges) - {WHEN}
    found = _of_events((rule.event,), names, rule.window)
    return found | Needs(timed=any(_timed(one.tests) for one in edges))


def _of_outcome(rule: Outcome) -> Needs:
    of_this_run = bool(rule.step) and not rule.journey
    asked = {"step": rule.step, "template": rule.template, "journey": rule.journey or of_this_run}
    asked["machine"] = not rule.machine
    names = _names(rule.where) | {name for name, wanted in asked.items() if wanted}
    return _of_events(EVENTS[rule.what], names, rule.window) | Needs(outcomes=True, run=of_this_run)


def _names(conditions: Iterable[Condition]) -> set[str]:
    return {one.name for one in conditions}


def _of_events(events: tuple[str, ...], names: set[str], window: Window) -> Needs:
    return Needs(
        events=frozenset(events),
        properties=dict.fromkeys(events, frozenset(names)) if names else {},
        reach=None if window.within is None else window.within.length,
        run=window.since_entry,
        timed=window.within is not None,
    )


def _timed(tests: Iterable[Comparison]) -> bool:
    return any(isinstance(test.value, Span) for test in tests)
