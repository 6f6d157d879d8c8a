"""What is followed: segments, scores at thresholds that somebody listens to, stages of the lifecycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sojourn.customer.lifecycle import NAME as LIFECYCLE
from sojourn.customer.lifecycle import Stage
from sojourn.customer.marks import SCORE_CHANGED
from sojourn.customer.references import Definitions
from sojourn.journey.definition import Due, Journey
from sojourn.rule.definition import Comparison, Condition, Performed, Rule, Scored
from sojourn.rule.needs import needs, parts
from sojourn.tape.hashing import hash_text, mix

Kind = Literal["segment", "score", "date", "stage"]


@dataclass(frozen=True)
class Followed:
    """One thing that customers belong to for a time; its version changes with all that its rule asks for."""

    id: int  # the store's number of its memberships
    name: str  # of the segment, the score or the stage
    version: int
    since: int  # microseconds UTC, when that version came to be
    rule: Rule  # who comes to belong to it
    keeps: Rule | None = None  # who stays; None: those for whom the rule holds
    kind: Kind = "segment"
    at: float = 0.0  # the threshold of a score


@dataclass(frozen=True)
class Written:
    """A definition as it was last written."""

    id: int = 0
    version: int = 0
    updated: int = 0  # microseconds UTC


def watched(
    known: Definitions,
    journeys: Iterable[tuple[int, Journey]],
    written: Mapping[str, Written] | None = None,
) -> tuple[Followed, ...]:
    """All that is followed where these journeys listen: segments by name, scores, then stages in order.

    Journeys come with the numbers of their versions.  `written` says of each definition, as a path calls
    it, what the store knows of it.
    """
    book = _Book(known, written or {})
    segments = [book.segment(name, rule) for name, rule in sorted(known.segments.items())]
    listeners: dict[tuple[str, float], list[int]] = {}
    waiting: dict[Due, list[int]] = {}
    for version, journey in journeys:
        for one in sorted(set(thresholds(journey, known))):
            listeners.setdefault(one, []).append(version)
        for due in {trigger.due for trigger in journey.enter if trigger.due}:
            waiting.setdefault(due, []).append(version)
    scores = [book.threshold(*one, listeners[one]) for one in sorted(listeners)]
    dates = [book.date(due, waiting[due]) for due in sorted(waiting, key=lambda due: due.name)]
    return (*segments, *scores, *dates, *(book.stage(stage) for stage in known.stages[1:]))


def thresholds(journey: Journey, known: Definitions) -> Iterator[tuple[str, float]]:
    """The scores, and the values of each, whose crossing the journey listens to."""
    heard = [trigger.where for trigger in journey.enter if trigger.event == SCORE_CHANGED]
    for rule in journey.rules():
        for part, _ in parts(rule, known.named):
            if isinstance(part, Performed) and part.event == SCORE_CHANGED:
                heard.append(part.where)
    for where in heard:
        named = [test for one in where if one.name == "score" for test in one.tests]
        marks = set(_numbers(where))
        for score in known.scores:
            if all(score in _values(test) for test in named):
                yield from ((score, mark) for mark in marks)


def _numbers(where: tuple[Condition, ...]) -> Iterator[float]:
    """The values that conditions on a change of a score name."""
    for condition in where:
        if condition.name in ("threshold", "value"):
            for test in condition.tests:
                yield from (float(one) for one in _values(test) if isinstance(one, int | float))


def _values(test: Comparison) -> tuple[object, ...]:
    return test.value if isinstance(test.value, tuple) else (test.value,)


@dataclass(frozen=True)
class _Book:
    """What is known of definitions, from which what is followed gets its number and its version."""

    known: Definitions
    written: Mapping[str, Written]

    def segment(self, name: str, rule: Rule) -> Followed:
        called = f"segment {name}"
        version, since = self._version(rule, called)
        return Followed(self.written.get(called, Written()).id, name, version, since, rule)

    def threshold(self, score: str, at: float, listeners: Sequence[int]) -> Followed:
        """Whoever begins to listen hears of what comes from then on, so that is a version of its own."""
        rule = Scored(score, (Comparison("at_least", at),))
        version, since = self._version(rule)
        for one in listeners:
            version = int(mix(version, one)[0])
        number = -hash_text(f"score {score} {at!r}")
        return Followed(number, score, version, since, rule, kind="score", at=at)

    def date(self, due: Due, listeners: Sequence[int]) -> Followed:
        """Whoever reaches the date; likewise."""
        version, since = self._version(due.rule)
        for one in listeners:
            version = int(mix(version, one)[0])
        return Followed(-hash_text(f"date {due.name}"), due.name, version, since, due.rule, kind="date")

    def stage(self, stage: Stage) -> Followed:
        version, since = self._version(stage.rule, LIFECYCLE)
        number = -hash_text(f"stage {stage.name}")
        return Followed(number, stage.name, version, since, stage.rule, stage.keeps, kind="stage")

    def _version(self, rule: Rule, *called: str) -> tuple[int, int]:
        """The version of all that the rule asks for, and when the newest of it was written."""
        read = needs(rule, self.known.named)
        asked = {f"segment {one}" for one in read.segments} | {f"score {one}" for one in read.scores}
        asked |= {*called, *([LIFECYCLE] if read.stages else [])}
        version, since = 0, 0
        for name in sorted(asked & self.written.keys()):
            one = self.written[name]
            version, since = int(mix(version, one.id, one.version)[0]), max(since, one.updated)
        return version, since
