"""Paths: which event customers came to directly from which."""

from __future__ import annotations

import msgspec

from sojourn.analytics.metric import Metric
from sojourn.analytics.stream import happened
from sojourn.tape.kernels.transitions import transitions
from sojourn.tape.tape import Tape


class PathsQuestion(msgspec.Struct, frozen=True, kw_only=True, tag_field="metric", tag="paths"):
    """Every directly following pair of events within a customer; nothing to choose."""


class Edge(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """How often `target` directly followed `source`, which may be the same name."""

    source: str
    target: str
    count: int


class PathsAnswer(msgspec.Struct, frozen=True):
    """The edges, most frequent first, then by name.  They count transitions, not customers."""

    edges: tuple[Edge, ...]


def paths(tape: Tape, question: PathsQuestion = PathsQuestion()) -> PathsAnswer:  # noqa: B008 - it is frozen
    """How often each event directly followed each, in the order in which they happened."""
    _, names = happened(tape)
    sources, targets, counts = transitions(tape.starts, names, len(tape.vocabulary))
    edges = [
        Edge(tape.vocabulary[source], tape.vocabulary[target], count)
        for source, target, count in zip(sources.tolist(), targets.tolist(), counts.tolist(), strict=True)
    ]
    return PathsAnswer(tuple(sorted(edges, key=lambda edge: (-edge.count, edge.source, edge.target))))


PATHS = Metric("paths", PathsQuestion, paths)
