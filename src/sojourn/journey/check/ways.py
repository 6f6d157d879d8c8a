"""Finds ways that lead nowhere: steps that nobody comes to, and steps that nobody leaves."""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.journey.check import graph
from sojourn.journey.check.finding import ERROR, WARNING, Finding
from sojourn.journey.definition import Journey


def ways(journey: Journey) -> Iterator[Finding]:
    """What is wrong with how the steps hang together."""
    yield from _unreachable(journey)
    yield from _circles(journey)
    yield from _no_way_out(journey)
    yield from _endless(journey)
    yield from _undecided(journey)


def _unreachable(journey: Journey) -> Iterator[Finding]:
    reached = graph.reachable(journey)
    for before, placed in zip((None, *journey.steps), journey.steps, strict=False):
        if placed.id not in reached:
            why = f"; {before.id!r} before it leaves" if before and not before.targets else ""
            yield Finding(ERROR, placed.id, f"no way leads here{why}; lead an exit to it or delete it")


def _circles(journey: Journey) -> Iterator[Finding]:
    """Loops that a run would go round and round at one instant."""
    for step in graph.circles(journey):
        what = "a customer could go round this loop for ever at one instant; put a `wait` into it"
        yield Finding(ERROR, step, what)


def _no_way_out(journey: Journey) -> Iterator[Finding]:
    if not journey.goal and not journey.leave_if:
        for step in graph.reachable(journey) - graph.ending(journey):
            what = "from here nobody ever leaves the journey; lead an exit out, or give it a goal or leave_if"
            yield Finding(WARNING, step, what)


def _endless(journey: Journey) -> Iterator[Finding]:
    for placed in journey.steps:
        if placed.step.endless():
            what = "waits for ever for those who do none of this; give it at_most and otherwise"
            yield Finding(WARNING, placed.id, what)


def _undecided(journey: Journey) -> Iterator[Finding]:
    """Steps that ask something and then do the same whatever the answer."""
    for placed in journey.steps:
        if len(placed.targets) > 1 and len(set(placed.targets)) == 1 and not placed.step.awaits():
            where_to = repr(placed.targets[0]) if placed.targets[0] else "the end"
            yield Finding(WARNING, placed.id, f"decides nothing: all of its exits lead to {where_to}")
