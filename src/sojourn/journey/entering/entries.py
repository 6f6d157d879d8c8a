"""Entries: which candidates enter a journey, when customers may enter again, and why others do not."""

from __future__ import annotations

import numpy as np

from sojourn.journey.definition import Trigger
from sojourn.journey.entering.candidates import UNASKED, Candidates, Triggering
from sojourn.journey.program import Program
from sojourn.journey.runs import Some
from sojourn.journey.world import World
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Codes, Ints

REFUSALS = ("inside", "entered before", "too soon", "condition", "no key", "not open", "in other journeys")
"""Why an event that triggers a journey did not make anybody enter."""

INSIDE, ENTERED_BEFORE, TOO_SOON, CONDITION, NO_KEY, NOT_OPEN, BUSY = range(len(REFUSALS))


def admitted(
    program: Program, world: World, among: Candidates, first: Ints, last: Some, now: Ints
) -> tuple[Ints, Codes]:
    """Who enters by the candidates at one instant of each slot, of which `first` is the first: int64[m].

    Answers the candidate that has the last word, and -1 or why nobody enters as a code of REFUSALS:
    int32[m].  `last` is the run that was in the slot before, with id 0 if there was none, and its row.
    """
    found, refused = first.copy(), np.full(len(now), -1, np.int32)
    asked = np.arange(len(now))
    while len(asked):
        triggers = among.events.triggers[found[asked]]
        refused[asked] = _asked(program, world, triggers, Some(last.among, last.index[asked]), now[asked])
        asked = asked[(refused[asked] >= 0) & among.again[found[asked]]]
        found[asked] += 1
    _outside(program, world, last.rows, now, refused)
    return found, refused


def _outside(program: Program, world: World, rows: Ints, now: Ints, refused: Codes) -> None:
    """Refuse those who come when the journey is not open, or are in as many journeys as is allowed."""
    if program.journey.opening:
        begins, ends = program.journey.opening.extent(world.zone)
        refused[(refused < 0) & ((now < begins) | (now >= ends))] = NOT_OPEN
    if world.at_once is not None:
        coming = np.flatnonzero(refused < 0)
        order = coming[np.lexsort((now[coming], rows[coming]))]
        firsts = np.searchsorted(rows[order], rows[order])
        before = np.arange(len(order)) - firsts  # others of the same customer at this instant
        refused[order[world.inside[rows[order]] + before >= world.at_once]] = BUSY


def run_ids(program: Program, world: World, rows: Ints, keys: Ints, slots: Ints) -> Ints:
    """The ids of runs that enter by the events `keys`: the same in every driver and on every replay."""
    return mix(program.hash, world.tape.customers[rows], keys, slots)


def refusals(among: Candidates, left: Ints, answers: Codes) -> tuple[Triggering, Codes]:
    """The events that let nobody in, and why not, as codes of REFUSALS.

    `left` is when the last run of each slot left, `answers` what each candidate was told (UNASKED, -1 or
    a code).  Who was not asked came when somebody was inside, or had been and once is enough.
    """
    silently = np.where(among.events.received > left[among.of], ENTERED_BEFORE, INSIDE)
    refused = np.where(answers == UNASKED, silently, answers)
    kept = ~among.again & (refused >= 0)
    without_key = np.full(len(among.keyless), NO_KEY)
    return Triggering.concat([among.events.take(kept), among.keyless]), np.append(refused[kept], without_key)


def _asked(program: Program, world: World, triggers: Codes, last: Some, now: Ints) -> Codes:
    refused = np.full(len(now), -1, np.int32)
    for number, trigger in enumerate(program.journey.enter):
        those = np.flatnonzero(triggers == number)
        if len(those):
            refused[those] = _refused(world, trigger, Some(last.among, last.index[those]), now[those])
    if world.watcher:
        world.watcher.considered(program.name, triggers, last.rows, now, refused)
    return refused


def _refused(world: World, trigger: Trigger, last: Some, now: Ints) -> Codes:
    refused = np.full(len(now), -1, np.int32)
    again, before = trigger.again, last.ids != 0
    if trigger.condition:
        refused[~world.meets(trigger.condition, last.rows, now)] = CONDITION
    if again.kind == "never":
        refused[before] = ENTERED_BEFORE
    if again.kind == "after" and again.span:
        soon = np.flatnonzero(before)
        early = now[soon] < world.later(last.rows[soon], last.entered[soon], again.span)
        refused[soon[early]] = TOO_SOON
    return refused
