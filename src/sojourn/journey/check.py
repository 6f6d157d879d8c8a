"""Checks a journey: what is wrong with a draft, and on which step, before anybody meets it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import msgspec

from sojourn.journey.definition import Journey, Placed
from sojourn.journey.effects import Mark, Send
from sojourn.rule.definition import All, Any, Not, Outcome, Rule
from sojourn.rule.needs import needs

ERROR, WARNING = "error", "warning"


class Finding(msgspec.Struct, frozen=True):
    """One thing found: an error forbids publishing; `step` is '' when it concerns the whole journey."""

    severity: str
    step: str
    what: str


@dataclass(frozen=True)
class Known:
    """What exists around the journey; None where it cannot be told."""

    templates: Collection[str] | None = None
    segments: Collection[str] | None = None
    events: Collection[str] | None = None


def check(journey: Journey, known: Known = Known()) -> list[Finding]:
    """All findings, errors first, in the order of the steps."""
    found = [
        *_unreachable(journey),
        *_circles(journey),
        *_endless(journey),
        *_outcomes(journey),
        *_references(journey, known),
        *_unheard(journey, known),
    ]
    order = {placed.id: number for number, placed in enumerate(journey.steps)}
    return sorted(found, key=lambda one: (one.severity != ERROR, order.get(one.step, -1)))


def _unreachable(journey: Journey) -> Iterator[Finding]:
    reached = _reached(journey, [journey.steps[0].id], lambda placed: True)
    for placed in journey.steps:
        if placed.id not in reached:
            yield Finding(ERROR, placed.id, "no way leads here; lead an exit to it or delete it")


def _circles(journey: Journey) -> Iterator[Finding]:
    """Loops that a run would go round and round at one instant."""
    for placed in journey.steps:
        passing = [target for target in placed.targets if target]
        if not placed.step.holds() and placed.id in _reached(journey, passing, _passes):
            what = "this loop has no wait in it, so a customer would go round for ever; put a wait into it"
            yield Finding(ERROR, placed.id, what)


def _passes(placed: Placed) -> bool:
    return not placed.step.holds()


def _reached(journey: Journey, begin: list[str], through: object) -> set[str]:
    """The steps that one comes to from `begin` by way of steps that let one `through`."""
    by_id = {placed.id: placed for placed in journey.steps}
    reached: set[str] = set()
    ahead = [step for step in begin if step in by_id]
    while ahead:
        step = ahead.pop()
        if step in reached or not through(by_id[step]):  # type: ignore[operator]
            continue
        reached.add(step)
        ahead += [target for target in by_id[step].targets if target]
    return reached


def _endless(journey: Journey) -> Iterator[Finding]:
    for placed in journey.steps:
        if placed.step.endless():
            what = "waits for ever for those who do none of this; give it at_most and otherwise"
            yield Finding(WARNING, placed.id, what)


def _outcomes(journey: Journey) -> Iterator[Finding]:
    """Rules that ask what became of a message of a step that sends none."""
    sends = [placed.id for placed in journey.steps if any(isinstance(a, Send) for a in placed.step.asks())]
    for step, rule in _rules(journey):
        for outcome in outcomes_in(rule):
            if outcome.step and not outcome.journey and outcome.step not in sends:
                what = f"asks whether {outcome.step!r} was {outcome.what}, but that is no step that sends"
                yield Finding(ERROR, step, what + _hint(outcome.step, sends))


def outcomes_in(rule: Rule) -> Iterator[Outcome]:
    """The parts of a rule that ask what became of messages."""
    match rule:
        case Outcome():
            yield rule
        case All(rules) | Any(rules):
            for one in rules:
                yield from outcomes_in(one)
        case Not(negated):
            yield from outcomes_in(negated)


def _references(journey: Journey, known: Known) -> Iterator[Finding]:
    if known.templates is not None:
        for placed in journey.steps:
            for ask in placed.step.asks():
                if isinstance(ask, Send) and ask.template not in known.templates:
                    what = f"there is no template {ask.template!r}{_hint(ask.template, known.templates)}"
                    yield Finding(ERROR, placed.id, what)
    if known.segments is not None:
        for step, rule in _rules(journey):
            for segment in sorted(needs(rule, {}).segments - set(known.segments)):
                what = f"there is no segment {segment!r}{_hint(segment, known.segments)}"
                yield Finding(ERROR, step, what)


def _unheard(journey: Journey, known: Known) -> Iterator[Finding]:
    """Events that nobody has ever sent: usually a slip of the pen."""
    if known.events is None:
        return
    own = {a.name for placed in journey.steps for a in placed.step.asks() if isinstance(a, Mark)}
    named = [("", trigger.event) for trigger in journey.enter]
    named += [
        (step, event)
        for step, rule in _rules(journey)
        if not needs(rule, {}).outcomes
        for event in sorted(needs(rule, {}).events)
    ]
    for step, event in dict.fromkeys(named):
        if event not in known.events and event not in own:
            yield Finding(WARNING, step, f"no event {event!r} was ever seen{_hint(event, known.events)}")


def _rules(journey: Journey) -> Iterator[tuple[str, Rule]]:
    """All rules of the journey with the step that they stand on."""
    for trigger in journey.enter:
        if trigger.condition:
            yield "", trigger.condition
    if journey.goal:
        yield "", journey.goal.rule
    if journey.leave_if:
        yield "", journey.leave_if
    for placed in journey.steps:
        for rule in placed.step.rules():
            yield placed.id, rule


def _hint(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
