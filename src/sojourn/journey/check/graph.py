"""Graph: where the steps of a journey lead, without anybody on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sojourn.journey.definition import Journey, Placed

Graph = Mapping[str, frozenset[str]]
"""The steps that each step leads to."""


def reachable(journey: Journey) -> set[str]:
    """The steps that one comes to from the first."""
    return _reached([journey.steps[0].id], _graph(journey, lambda placed: True))


def circles(journey: Journey) -> set[str]:
    """The steps of loops that one would go round and round at one instant."""
    passing = _graph(journey, lambda placed: not placed.step.holds())
    on_and_on = _without_ends(passing)
    return _without_ends(_reversed({step: passing[step] & on_and_on for step in on_and_on}))


def ending(journey: Journey) -> set[str]:
    """The steps from which some way leads out of the journey."""
    return _reached([placed.id for placed in journey.steps if _ends(placed)], _reversed(_graph(journey)))


def ending_at_once(journey: Journey) -> set[str]:
    """The steps from which one may be out of the journey at the very instant of coming there."""
    passing = _graph(journey, lambda placed: not placed.step.holds())
    return _reached(
        [placed.id for placed in journey.steps if placed.id in passing and _ends(placed)], _reversed(passing)
    )


def _graph(journey: Journey, kept: Callable[[Placed], bool] = lambda placed: True) -> Graph:
    steps = {placed.id for placed in journey.steps if kept(placed)}
    return {
        placed.id: frozenset(steps.intersection(placed.targets))
        for placed in journey.steps
        if placed.id in steps
    }


def _ends(placed: Placed) -> bool:
    return not placed.targets or "" in placed.targets


def _reached(begin: Iterable[str], graph: Graph) -> set[str]:
    reached: set[str] = set()
    ahead = list(begin)
    while ahead:
        step = ahead.pop()
        if step not in reached:
            reached.add(step)
            ahead += graph[step]
    return reached


def _without_ends(graph: Graph) -> set[str]:
    """The steps from which one can go on for ever."""
    rest = dict(graph)
    more = True
    while more:
        before = len(rest)
        for step in reversed(list(rest)):  # most lead to later ones, so that one round does most of it
            if not graph[step] & rest.keys():
                del rest[step]
        more = len(rest) < before
    return set(rest)


def _reversed(graph: Graph) -> Graph:
    found: dict[str, set[str]] = {step: set() for step in graph}
    for step, targets in graph.items():
        for target in targets:
            found[target].add(step)
    return {step: frozenset(sources) for step, sources in found.items()}
