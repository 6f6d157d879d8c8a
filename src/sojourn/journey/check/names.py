"""Finds names of things that are not there: steps, templates, segments, events."""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.journey.check.finding import ERROR, WARNING, Finding, Known, asks, hint, rules
from sojourn.journey.definition import REQUESTED, Journey, Trigger
from sojourn.journey.effects import Mark, Send, believed
from sojourn.rule.definition import InSegment, Leaf, Outcome, Performed, Sequence
from sojourn.rule.needs import parts


def names(journey: Journey, known: Known) -> Iterator[Finding]:
    """What the journey names that does not exist, or was never seen."""
    yield from _outcomes(journey)
    yield from _templates(journey, known)
    yield from _segments(journey, known)
    yield from _unheard(journey, known)


_DONE_BY = {"done": ("creates a task", "Task Created"), "repeated": ("goes round", "Round Begun")}
"""What a step does of which an outcome tells, and the mark by which it does; by default it sends."""


def _outcomes(journey: Journey) -> Iterator[Finding]:
    """Rules that ask what became of a message of a step that sends none, of a task that is none."""
    for step, part in _leaves(journey):
        if not isinstance(part, Outcome) or part.journey:
            continue
        does, mark = _DONE_BY.get(part.what, ("sends", ""))
        able = [one for one, ask in asks(journey) if mark == (ask.name if isinstance(ask, Mark) else "")]
        if part.step not in ("", *able):
            what = f"asks whether {part.step!r} was {part.what}, but that is no step that {does}"
            yield Finding(ERROR, step, what + hint(part.step, able))


def _templates(journey: Journey, known: Known) -> Iterator[Finding]:
    for step, ask in asks(journey):
        if isinstance(ask, Mark):
            continue
        if known.templates is None and isinstance(ask, Send) and not ask.purpose:
            what = f"says no purpose, so it is what template {ask.template!r} is for; without any, marketing"
            yield Finding(WARNING, step, what)
        if known.templates is not None and ask.template not in known.templates:
            what = f"there is no template {ask.template!r}{hint(ask.template, known.templates)}"
            yield Finding(ERROR, step, what)


def _segments(journey: Journey, known: Known) -> Iterator[Finding]:
    if known.segments is None:
        return
    named = [(step, part.segment) for step, part in _leaves(journey) if isinstance(part, InSegment)]
    for trigger in journey.enter:
        named += [("", segment) for segment in _segments_entered(trigger)]
    for step, segment in dict.fromkeys(named):
        if segment not in known.segments:
            yield Finding(ERROR, step, f"there is no segment {segment!r}{hint(segment, known.segments)}")


def _segments_entered(trigger: Trigger) -> Iterator[str]:
    if believed(trigger.event):
        for condition in trigger.where:
            for test in condition.tests:
                if condition.name == "segment" and test.how == "is":
                    yield str(test.value)


def events_from_outside(journey: Journey) -> list[tuple[str, str]]:
    """The events that the journey waits for somebody to send, each with the step that does."""
    own = {ask.name for _, ask in asks(journey) if isinstance(ask, Mark)}
    named = [("", trigger.event) for trigger in journey.enter]
    for step, part in _leaves(journey):
        named += [(step, part.event)] if isinstance(part, Performed) else []
        named += [(step, link.event) for link in part.links] if isinstance(part, Sequence) else []
    named = [one for one in dict.fromkeys(named) if one[1] not in {REQUESTED, *own}]
    return [(step, event) for step, event in named if not believed(event)]


def _unheard(journey: Journey, known: Known) -> Iterator[Finding]:
    """Events that nobody has ever sent: usually a slip of the pen."""
    if known.events is None:
        return
    for step, event in events_from_outside(journey):
        if event not in known.events:
            yield Finding(WARNING, step, f"no event {event!r} was ever seen{hint(event, known.events)}")


def _leaves(journey: Journey) -> Iterator[tuple[str, Leaf | InSegment]]:
    """What all rules are made of, with the step that they stand on."""
    for step, rule in rules(journey):
        for part, _ in parts(rule, {}):
            yield step, part
