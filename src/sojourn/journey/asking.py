"""Asking: what the runs on a step want done, what policy says of it, and the marks that tell of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sojourn.journey.effects import Effects, Mark, Marks, Notice, Send, effect_keys
from sojourn.journey.ports import DELIVER, HELD, Verdicts
from sojourn.journey.program import Program
from sojourn.journey.runs import Some
from sojourn.journey.step import HOLD, Answer, Asked
from sojourn.journey.world import World
from sojourn.tape.tape import Bools, Ints


def asked(
    program: Program, step: str, answer: Answer, runs: Some, world: World
) -> tuple[Answer, list[Effects]]:
    """The answer after policy has had its word on what the runs ask, and what is to be done."""
    done: list[Effects] = []
    for slot, one in enumerate(answer.asked):
        members = answer.exits != HOLD if one.who is None else one.who
        if not members.any():
            continue
        every = _effects(program, step, one, runs, slot)
        effects = every if members.all() else every.only(members)
        if isinstance(one.ask, Send):
            answer = _said(program, (one.ask, *one.instead), effects, answer, members, world, done)
            continue
        done.append(effects)
        if isinstance(one.ask, Mark):
            world.tell(Marks.of(effects, one.ask.name, one.ask.properties, one.ask.traits))
        elif isinstance(one.ask, Notice):
            world.tell(Marks.of(effects, "Notice Given", {"template": one.ask.template, "to": one.ask.to}))
    return answer, done


def _said(
    program: Program,
    ways: tuple[Send, ...],
    effects: Effects,
    answer: Answer,
    members: Bools,
    world: World,
    done: list[Effects],
) -> Answer:
    """The answer of those whom policy holds back: of several ways the first that it allows now is taken."""
    left, until = np.flatnonzero(members), answer.due
    held = np.zeros(len(members), np.bool_)
    for number, send in enumerate(ways):
        effects = replace(effects, ask=send)
        verdicts = world.decide(world, effects, program.journey.priority)
        delivered = verdicts.outcomes == DELIVER
        _plan(effects, delivered, world, done)
        waits = (verdicts.outcomes == HELD) & (not send.go_on)
        until = _sooner(until, held, left[waits], verdicts.until[waits])
        held[left[waits]] = True
        if number == len(ways) - 1:
            _suppress(effects, ~delivered & ~held[left], verdicts, world, done)
        held[left[delivered]] = False
        effects, left = effects.only(~delivered), left[~delivered]
        if not len(left):
            break
    return replace(answer, exits=np.where(held, HOLD, answer.exits).astype(np.int32), due=until)


def _sooner(until: Ints, held: Bools, members: Ints, instants: Ints) -> Ints:
    """When those of `members` wake: at these instants, or earlier if they are held until then already."""
    changed = until.copy()
    changed[members] = np.where(held[members], np.minimum(until[members], instants), instants)
    return changed


def _plan(effects: Effects, delivered: Bools, world: World, done: list[Effects]) -> None:
    if delivered.any():
        planned = effects.only(delivered)
        done.append(planned)
        world.plan(planned)


def _suppress(
    effects: Effects, refused: Bools, verdicts: Verdicts, world: World, done: list[Effects]
) -> None:
    if refused.any():
        told = replace(effects, reasons=verdicts.reasons, reason_names=verdicts.reason_names).only(refused)
        done.append(told)
        world.suppress(told)


def _effects(program: Program, step: str, one: Asked, runs: Some, slot: int) -> Effects:
    return Effects(
        ask=one.ask,
        journey=program.name,
        version=program.version,
        step=step,
        runs=runs.ids,
        rows=runs.rows,
        now=runs.now,
        keys=effect_keys(runs.ids, runs.hops, slot),
        entries=runs.entries,
        properties=one.properties,
        traits=one.traits,
    )
