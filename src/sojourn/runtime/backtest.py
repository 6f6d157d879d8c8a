"""The backtest: a draft played over history, with the policy and the re-entry rules that hold live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from sojourn.journey.definition import Journey
from sojourn.journey.effects import Send
from sojourn.journey.entries import REFUSALS
from sojourn.journey.play import Playing, play
from sojourn.journey.program import COMPLETES, Program
from sojourn.journey.runs import Runs
from sojourn.journey.world import World
from sojourn.rule.definition import Comparison, Condition
from sojourn.rule.where import where
from sojourn.runtime.assumed import Assumption, Responses
from sojourn.runtime.catalogue import Catalogue, Offered, marks_of
from sojourn.runtime.deciding import deciding
from sojourn.tape.build import keep
from sojourn.tape.selection import select
from sojourn.tape.tape import LONG_AGO, Tape


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
    tape = without_marks_of(journey, history)
    responses = Responses(catalogue, tape, question.figures)
    player = played(program, tape, catalogue, question, respond=responses)
    ends: list[End | None] = [None, None]
    if program.needs(catalogue.segments).outcomes:
        ends = [
            _end(
                program,
                played(program, tape, catalogue, question, respond=replace(responses, everybody=everybody)),
            )
            for everybody in (False, True)
        ]
    end = _end(program, player)
    counts = player.counts[program.version]
    left = counts.left.sum(axis=0)
    return Answer(
        journey=journey.name,
        entered=counts.entered,
        waiting=int(counts.waiting.sum()),
        left={reason: int(n) for reason, n in zip(program.reasons, left, strict=True) if n},
        refused={why: int(n) for why, n in zip(REFUSALS, player.refused, strict=True) if n},
        steps=end.steps,
        edges=end.edges,
        assumed=tuple(responses.used.values()),
        low=ends[0],
        high=ends[1],
        ms=round((perf_counter() - began) * 1000, 1),
    )


def played(program: Program, tape: Tape, catalogue: Catalogue, question: Question, **ports: Any) -> Playing:
    """The journey after it was played over the whole tape; `ports` are further ones of the world."""
    world = World(
        tape=tape,
        segments=catalogue.segments,
        zone=catalogue.policy.fallback_zone,
        heard=catalogue.heard,
        resolve=catalogue.resolve,
        entry_read=bool(catalogue.needs.entry),
        **{"decide": deciding(catalogue), **ports},
    )
    after = np.full(len(tape.customers), question.since)
    player = Playing((program,), world, after, question.until, _nobody())
    play([player], world, question.until)
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


def _end(program: Program, player: Playing) -> End:
    counts = player.counts[program.version]
    waiting = counts.waiting
    steps = tuple(
        StepAnswer(
            id=placed.id,
            visits=int(counts.visits[code]),
            waiting=int(waiting[code]),
            left={program.reasons[r]: int(counts.left[code, r]) for r in np.flatnonzero(counts.left[code])},
            planned=_planned(player, placed.id),
            suppressed=_suppressed(player, placed.id),
        )
        for code, placed in enumerate(program.placed)
    )
    edges = tuple(
        Edge(placed.id, name, _target(program, code, exit), int(counts.taken[code, exit]))
        for code, placed in enumerate(program.placed)
        for exit, name in enumerate(placed.step.exits())
    )
    return End(steps, edges)


def _target(program: Program, step: int, exit: int) -> str | None:
    target = program.targets[step, exit]
    return None if target == COMPLETES else program.placed[target].id


def _planned(player: Playing, step: str) -> int:
    return sum(
        len(e) for e in player.effects if e.step == step and isinstance(e.ask, Send) and e.reasons is None
    )


def _suppressed(player: Playing, step: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for effects in player.effects:
        if effects.step == step and effects.reasons is not None:
            for code, n in zip(*np.unique(effects.reasons, return_counts=True), strict=True):
                reason = effects.reason_names[code]
                found[reason] = found.get(reason, 0) + int(n)
    return found
