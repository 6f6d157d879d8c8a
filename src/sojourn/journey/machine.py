"""The machine: advance runs, each at its own instant, as far as they go before they hold or leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sojourn.errors import GoesInCircles
from sojourn.journey.asking import asked
from sojourn.journey.definition import END_REQUESTED
from sojourn.journey.effects import Effects, Marks
from sojourn.journey.entering.holdout import EVERYWHERE, kept_out
from sojourn.journey.program import COMPLETED, ENDED, GLOBAL_HOLDOUT, GOAL, HOLDOUT, RULE, Counts, Program
from sojourn.journey.runs import OUTSIDE, Some
from sojourn.journey.step import HOLD, Answer, Standing
from sojourn.journey.world import World
from sojourn.rule.definition import Rule
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.kernels.moves import leave, move_on
from sojourn.tape.tape import NEVER, Ints

HOPS = 10_000
"""A run that makes more steps at one instant goes in circles; `check` refuses such loops."""


@dataclass(eq=False)
class Moved:
    """Where runs stand after an advance, how many went where, and what they asked."""

    runs: Some
    counts: Counts
    effects: list[Effects]


def advance(program: Program, runs: Some, world: World) -> Moved:
    """Move each run, at its instant `runs.now`, until it holds on a step or has left.

    A run whose step is OUTSIDE enters.  The runs that `runs` are among stay as they were, and the world
    only takes note of the marks; equal input gives equal output, whatever else is in the batch.
    """
    moved = Moved(Some(runs.among, runs.index), Counts.none(program), [])
    fresh = np.flatnonzero(moved.runs.steps == OUTSIDE)
    if len(fresh):
        _enter(program, moved, fresh, world)
    inside = _anywhere(program, moved, np.flatnonzero(moved.runs.left == NEVER), world)
    for target, rule in program.jumps:
        _jump(program, moved, inside, target, rule, world)
    for _ in range(HOPS):
        if not len(inside):
            return moved
        steps = program.on_steps(moved.runs.steps, inside)
        parts = [_step(program, code, moved, members, world) for code, members in steps]
        inside = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
    raise GoesInCircles(program.name)


def _enter(program: Program, moved: Moved, fresh: Ints, world: World) -> None:
    runs = moved.runs
    moved.counts.entered += len(fresh)
    _mark(program, world, runs, fresh, "Journey Entered")
    for whose, part, reason in (
        (EVERYWHERE, world.holdout, GLOBAL_HOLDOUT),
        (program.hash, program.journey.holdout, HOLDOUT),
    ):
        if part:
            out = kept_out(whose, world.tape.customers[runs.rows[fresh]], part)
            _leave(program, moved, world, fresh[out], reason)
            fresh = fresh[~out]
    np.add.at(world.inside, runs.rows[fresh], 1)
    runs.steps[fresh], runs.since[fresh], runs.due[fresh] = 0, runs.now[fresh], NEVER
    runs.hops[fresh] += 1
    moved.counts.visits[0] += len(fresh)


def _anywhere(program: Program, moved: Moved, inside: Ints, world: World) -> Ints:
    """Those of `inside` whom neither the goal nor the exit rule makes leave."""
    journey = program.journey
    if journey.goal and len(inside):
        runs = Some(moved.runs, inside)
        reached = world.holds(journey.goal.rule, runs, program.name)
        if journey.goal.within:
            reached &= runs.now <= world.later(runs.rows, runs.entered, journey.goal.within)
        _leave(program, moved, world, inside[reached], GOAL)
        inside = inside[~reached]
    if journey.leave_if and len(inside):
        told = world.holds(journey.leave_if, Some(moved.runs, inside), program.name)
        _leave(program, moved, world, inside[told], RULE)
        inside = inside[~told]
    if len(inside) and world.knows(END_REQUESTED):
        ended = world.holds(program.ended, Some(moved.runs, inside), program.name)
        _leave(program, moved, world, inside[ended], ENDED)
        inside = inside[~ended]
    return inside


def _jump(program: Program, moved: Moved, inside: Ints, target: int, rule: Rule, world: World) -> None:
    """Those who stand above the target jump to it if the rule holds for them."""
    above = inside[moved.runs.steps[inside] < target]
    if not len(above):
        return
    jumping = above[world.holds(rule, Some(moved.runs, above), program.name)]
    runs, counts = moved.runs, moved.counts
    np.add.at(counts.jumped[:, target], runs.steps[jumping], 1)
    counts.visits[target] += len(jumping)
    runs.steps[jumping], runs.since[jumping], runs.due[jumping] = target, runs.now[jumping], NEVER
    runs.hops[jumping] += 1


def _step(program: Program, code: int, moved: Moved, members: Ints, world: World) -> Ints:
    """Answer for the members, who stand on one step; returns those who stand on another now."""
    placed = program.placed[code]
    runs = Some(moved.runs, members)
    answer = placed.step.answer(Standing(runs, world, program.name, placed.id))
    if answer.asked:
        answer, done = asked(program, placed.id, answer, runs, world)
        moved.effects += done
    if world.watcher:
        world.watcher.stood(program.name, placed.id, runs, answer.exits, answer.due)
    due = _wake(program, code, answer, runs, world)
    if answer.leaves is not None:
        return _hold_or_leave(program, replace(answer, due=due), moved, members, world)
    return _go(program, code, moved, members, replace(answer, due=due), world)


def _wake(program: Program, code: int, answer: Answer, runs: Some, world: World) -> Ints:
    """When time alone may move the runs that hold: their step's due instant, or another rule's horizon."""
    due = answer.due
    for rule in program.moves(code):
        if world.timed(rule):
            due = np.minimum(due, world.horizon(rule, runs, program.name))
    return due


def _hold_or_leave(program: Program, answer: Answer, moved: Moved, members: Ints, world: World) -> Ints:
    """Nobody goes to another step: who does not hold leaves for the step's own reason."""
    assert answer.leaves is not None
    holds = answer.exits == HOLD
    moved.runs.due[members[holds]] = answer.due[holds]
    _leave(program, moved, world, members[~holds], program.reasons.index(answer.leaves))
    return members[:0]


def _go(program: Program, code: int, moved: Moved, members: Ints, answer: Answer, world: World) -> Ints:
    runs, counts = moved.runs, moved.counts
    arrived, completed = move_on(
        members,
        np.ascontiguousarray(answer.exits, np.int32),
        np.ascontiguousarray(answer.due, np.int64),
        program.targets[code],
        runs.now,
        runs.steps,
        runs.hops,
        runs.since,
        runs.due,
        counts.taken[code],
        counts.visits,
    )
    _leave(program, moved, world, completed, COMPLETED)
    return arrived


def _leave(program: Program, moved: Moved, world: World, members: Ints, reason: int) -> None:
    """The members are gone; where they stood stays in `steps`, OUTSIDE if they took the last exit."""
    if not len(members):
        return
    runs = moved.runs
    if reason not in (HOLDOUT, GLOBAL_HOLDOUT):
        np.subtract.at(world.inside, runs.rows[members], 1)
    leave(members, reason, runs.now, runs.steps, runs.due, runs.left, runs.reasons, moved.counts.left)
    if world.watcher:
        world.watcher.left(program.name, Some(runs, members), program.reasons[reason])
    _mark(program, world, runs, members, "Journey Left", reason=program.reasons[reason])


def _mark(program: Program, world: World, runs: Some, members: Ints, name: str, **properties: object) -> None:
    if world.tells(name):
        keys = mix(runs.ids[members], hash_text(name))
        told = {"journey": program.name, "version": program.version, **properties}
        world.tell(Marks(name, told, {}, runs.rows[members], runs.now[members], runs.ids[members], keys))
