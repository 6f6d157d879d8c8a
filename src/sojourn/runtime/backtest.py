"""The backtest: a draft played over history, with the policy and the re-entry rules that hold live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from sojourn.journey.definition import Journey
from sojourn.journey.effects import Send
from sojourn.journey.entering.entries import REFUSALS
from sojourn.journey.play import Playing, play
from sojourn.journey.program import COMPLETES, JUMP, Counts, Program
from sojourn.journey.runs import Runs
from sojourn.rule.definition import Comparison, Condition, Outcome
from sojourn.rule.needs import parts
from sojourn.rule.where import where
from sojourn.runtime.assumed import Assumption, Responses
from sojourn.runtime.belonging.history import from_the_start, heard, without_marks
from sojourn.runtime.belonging.watched import Followed
from sojourn.runtime.catalogue import Catalogue, Offered, marks_of
from sojourn.runtime.deciding import world_of
from sojourn.tape.build import keep, stretch
from sojourn.tape.cores import cores
from sojourn.tape.memory import remembered
from sojourn.tape.selection import select
from sojourn.tape.tape import LONG_AGO, Ints, Tape

CUSTOMERS_AT_ONCE = 250_000
"""Their columns of one kind take 2 MB, which a cache still serves; with fewer, cores wait for each other."""


class StepAnswer(msgspec.Struct, frozen=True):
    """What happened on one step: visits = waiting + exits taken + left by reason."""

    id: str
    visits: int
    waiting: int
    left: Mapping[str, int]
    planned: int = 0
    suppressed: Mapping[str, int] = {}


class Edge(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """How many took one exit; `to` is null where it completes the journey."""

    source: str
    exit: str
    target: str | None
    count: int


class End(msgspec.Struct, frozen=True):
    """The same numbers if nobody, or everybody, had responded to what was sent."""

    steps: tuple[StepAnswer, ...]
    edges: tuple[Edge, ...]


class Answer(msgspec.Struct, frozen=True):
    """What a draft would have done; entered = waiting + left, of all steps together."""

    journey: str
    entered: int
    waiting: int
    left: Mapping[str, int]
    refused: Mapping[str, int]
    steps: tuple[StepAnswer, ...]
    edges: tuple[Edge, ...]
    assumed: tuple[Assumption, ...]
    low: End | None  # None where no response matters: then the numbers are what they are
    high: End | None
    ms: float


@dataclass(frozen=True)
class Question:
    """What to backtest: entries after `since` and until `until` (microseconds UTC), by these figures."""

    since: int = int(LONG_AGO)
    until: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)


def backtest(journey: Journey, history: Tape, catalogue: Catalogue, question: Question) -> Answer:
    """Play the journey over the history, and again with nobody and everybody responding if that matters."""
    began = perf_counter()
    program = Program(journey)
    catalogue = replace(catalogue, journeys=(Offered(0, (program,)),))
    tape = without_marks_of(journey, without_marks(heard(journey, catalogue.definitions), history))
    leaves = (leaf for rule in journey.rules() for leaf, _ in parts(rule, catalogue.segments))
    asked = [leaf for leaf in leaves if isinstance(leaf, Outcome)]
    responses = Responses(catalogue, tape, question.figures, asked=asked)
    tally = _tallied(program, tape, catalogue, question, responses)
    ends: list[End | None] = [None, None]
    if program.needs(catalogue.segments).outcomes:
        extremes = (replace(responses, everybody=everybody) for everybody in (False, True))
        ends = [_end(program, _tallied(program, tape, catalogue, question, one)) for one in extremes]
    end, counts = _end(program, tally), tally.counts
    left = counts.left.sum(axis=0)
    return Answer(
        journey=journey.name,
        entered=counts.entered,
        waiting=int(counts.waiting.sum()),
        left={reason: int(n) for reason, n in zip(program.reasons, left, strict=True) if n},
        refused={why: int(n) for why, n in zip(REFUSALS, tally.refused, strict=True) if n},
        steps=end.steps,
        edges=end.edges,
        assumed=tuple(responses.used.values()),
        low=ends[0],
        high=ends[1],
        ms=round((perf_counter() - began) * 1000, 1),
    )


@dataclass(frozen=True)
class Tally:
    """What is counted of a play; parts of the customers add up."""

    counts: Counts
    refused: Ints  # int64[reasons]
    said: Counter[tuple[str, str]]  # by step and why policy refused it, '' of what was planned

    @staticmethod
    def of(player: Playing) -> Tally:
        """The numbers of one play."""
        said: Counter[tuple[str, str]] = Counter()
        for effects in player.effects:
            if effects.reasons is not None:
                codes, times = np.unique(effects.reasons, return_counts=True)
                for code, n in zip(codes.tolist(), times.tolist(), strict=True):
                    said[effects.step, effects.reason_names[code]] += n
            elif isinstance(effects.ask, Send):
                said[effects.step, ""] += len(effects)
        return Tally(player.counts[player.newest.version], player.refused, said)

    def add(self, more: Tally) -> Tally:
        """Both together."""
        self.counts.add(more.counts)
        return Tally(self.counts, self.refused + more.refused, self.said + more.said)


def _tallied(
    program: Program, tape: Tape, catalogue: Catalogue, question: Question, responses: Responses
) -> Tally:
    """The numbers of all customers, played part by part on all cores: a part's columns stay in the cache."""

    def tally(part: Tape) -> Tally:
        return Tally.of(played(program, part, catalogue, question, followed, respond=responses))

    followed = heard(program.journey, catalogue.definitions)

    with ThreadPoolExecutor(cores()) as threads:
        return reduce(Tally.add, threads.map(tally, _parts(tape)))


def _parts(tape: Tape) -> tuple[Tape, ...]:
    """The tape in stretches of customers, always the same, so that what is picked on them is kept."""

    def cut() -> tuple[Tape, ...]:
        edges = range(0, max(len(tape.customers), 1), CUSTOMERS_AT_ONCE)
        return tuple(
            stretch(tape, first, min(first + CUSTOMERS_AT_ONCE, len(tape.customers))) for first in edges
        )

    return remembered(tape, CUSTOMERS_AT_ONCE, cut)


def played(
    program: Program,
    tape: Tape,
    catalogue: Catalogue,
    question: Question,
    followed: Iterable[Followed] = (),
    **ports: Any,
) -> Playing:
    """The journey after it was played over the whole tape; `ports` are further ones of the world.

    The marks of what is `followed` are laid as if it had always been; those of others are as recorded.
    """
    world = world_of(catalogue, tape, **ports)
    after = np.full(len(tape.customers), question.since)
    player = Playing((program,), world, after, question.until, _nobody())
    play([*from_the_start(followed, world, question.until), player], world, question.until)
    return player


def _nobody() -> Runs:
    none = np.empty(0, np.int64)
    return Runs.empty(none, none)


def without_marks_of(journey: Journey, history: Tape) -> Tape:
    """The history without what this very journey did in it; responses to what it sent remain."""
    own = marks_of(journey) & history.codes.keys()
    if not own:
        return history
    said = where(history, (Condition("journey", (Comparison("is", journey.name),)),))
    mine = select(history, own, said).positions
    if not len(mine):
        return history
    kept = np.ones(len(history), np.bool_)
    kept[mine] = False
    return keep(history, kept)


def _end(program: Program, tally: Tally) -> End:
    counts, waiting = tally.counts, tally.counts.waiting
    steps = tuple(
        StepAnswer(
            id=placed.id,
            visits=int(counts.visits[code]),
            waiting=int(waiting[code]),
            left={program.reasons[r]: int(counts.left[code, r]) for r in np.flatnonzero(counts.left[code])},
            planned=tally.said[placed.id, ""],
            suppressed={why: n for (step, why), n in tally.said.items() if step == placed.id and why},
        )
        for code, placed in enumerate(program.placed)
    )
    edges = [
        Edge(placed.id, name, _target(program, code, exit), int(counts.taken[code, exit]))
        for code, placed in enumerate(program.placed)
        for exit, name in enumerate(placed.step.exits())
    ]
    edges += [
        Edge(program.placed[source].id, JUMP, program.placed[target].id, int(n))
        for (source, target), n in np.ndenumerate(counts.jumped)
        if n
    ]
    return End(steps, tuple(edges))


def _target(program: Program, step: int, exit: int) -> str | None:
    target = program.targets[step, exit]
    return None if target == COMPLETES else program.placed[target].id
