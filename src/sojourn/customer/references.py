"""Which definitions ask for which: refuses circles and names of what is not there, warns of the unheard."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from sojourn.customer import scores as score_text
from sojourn.customer.lifecycle import NAME, Stage
from sojourn.customer.marks import SCORE_CHANGED, SEGMENT_ENTERED, SEGMENT_LEFT
from sojourn.errors import Invalid
from sojourn.rule.definition import (
    EVENTS,
    LIFECYCLE_CHANGED,
    POINTS_ADDED,
    InSegment,
    InStage,
    Leaf,
    OnList,
    Performed,
    Rule,
    Scored,
    Sequence,
    Trait,
)
from sojourn.rule.needs import parts
from sojourn.rule.standing.named import Named, Score

Part = Leaf | InSegment

_TOLD = frozenset({POINTS_ADDED}.union(*EVENTS.values()))  # by us, if not yet then some day

CROSSINGS = {
    SEGMENT_ENTERED: "say in_segment",
    SEGMENT_LEFT: "say in_segment",
    SCORE_CHANGED: "say score",
    LIFECYCLE_CHANGED: "say lifecycle",
}
"""Marks that definitions make, which would lead back to them, and what to ask instead."""


@dataclass(frozen=True)
class Definitions:
    """Everything with a name that rules may ask for."""

    segments: Mapping[str, Rule] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()
    lists: frozenset[str] = frozenset()

    @property
    def named(self) -> Named:
        """What rules need of it."""
        return Named(self.segments, self.scores, tuple(stage.name for stage in self.stages))

    def rules(self) -> dict[str, tuple[Rule, ...]]:
        """The rules of each definition, by what it is called in a path."""
        found: dict[str, tuple[Rule, ...]] = {
            f"segment {name}": (rule,) for name, rule in self.segments.items()
        }
        found |= {f"score {name}": tuple(score_text.rules(one)) for name, one in self.scores.items()}
        kept = [stage.keeps for stage in self.stages]
        stages = (*(stage.rule for stage in self.stages), *(rule for rule in kept if rule is not None))
        return found | ({NAME: stages} if self.stages else {})


def refuse(known: Definitions) -> None:
    """Raises Invalid, with what asks as the place, where definitions lead back to themselves."""
    asked = {name: [part for rule in rules for part in _asked(rule)] for name, rules in known.rules().items()}
    for name, of in asked.items():
        for part in of:
            if isinstance(part, Performed) and part.event in CROSSINGS:
                raise Invalid(f"asks for {part.event!r}: {CROSSINGS[part.event]}", place=name)
    graph = {name: [to for part in of if (to := _called(part))] for name, of in asked.items()}
    sound = set[str]()
    for name in graph:
        _follow(name, graph, (), sound)


def missing(rules: Iterable[Rule], known: Definitions) -> Iterator[str]:
    """What rules name that is not there: segments, scores, their groups, stages and lists."""
    parts_of_all = [part for rule in rules for part in _asked(rule)]
    yield from dict.fromkeys(wrong for part in parts_of_all if (wrong := missed(part, known)))


def missed(part: Part, known: Definitions) -> str:
    """What is wrong with a name that the part of a rule says, '' if nothing is."""
    match part:
        case InSegment(name):
            return _missing("segment", name, known.segments)
        case Scored(name, _, group):
            groups = [one.name for one in known.scores[name].groups] if name in known.scores else []
            if name in known.scores and group not in ("", *groups):
                return f"score {name!r} has no group {group!r}{_hint(group, groups)}"
            return _missing("score", name, known.scores)
        case InStage(stages):
            names = [stage.name for stage in known.stages]
            return next((wrong for one in stages if (wrong := _missing("stage", one, names))), "")
        case OnList(name):
            return _missing("list", name, known.lists)
        case _:
            return ""


def unheard(rules: Iterable[Rule], events: Collection[str], traits: Collection[str]) -> Iterator[str]:
    """What to look at: events and traits that nobody was ever seen with, which is mostly a slip."""
    said: dict[str, None] = {}
    for part in (part for rule in rules for part in _asked(rule)):
        match part:
            case Performed(event) if event not in events and event not in _TOLD:
                said[f"no event {event!r} was ever seen{_hint(event, events)}"] = None
            case Sequence(links):
                missing = [link.event for link in links if link.event not in events]
                said |= {f"no event {one!r} was ever seen{_hint(one, events)}": None for one in missing}
            case Trait(name) if name not in traits:
                said[f"nobody has a trait {name!r}{_hint(name, traits)}"] = None
            case _:
                pass
    yield from said


def _asked(rule: Rule) -> Iterator[Part]:
    return (part for part, _ in parts(rule, {}))


def _called(part: Part) -> str:
    """What the part asks for, as it is called in a path; '' if it is no definition."""
    match part:
        case InSegment(name):
            return f"segment {name}"
        case Scored(name):
            return f"score {name}"
        case InStage():
            return NAME
        case _:
            return ""


def _follow(name: str, graph: Mapping[str, list[str]], path: tuple[str, ...], sound: set[str]) -> None:
    if name in path:
        circle = " → ".join((*path[path.index(name) :], name))
        raise Invalid(f"leads back to itself: {circle}", place=path[0])
    if name not in sound:
        for to in graph.get(name, ()):
            _follow(to, graph, (*path, name), sound)
        sound.add(name)


def _missing(kind: str, name: str, known: Collection[str]) -> str:
    return "" if name in known else f"there is no {kind} {name!r}{_hint(name, known)}"


def _hint(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
