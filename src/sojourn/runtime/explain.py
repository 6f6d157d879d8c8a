"""Explains why a customer did or did not enter a journey, went where they went and got what they got.

It plays the journey for this one customer with the functions that decide for everybody, and writes down
what each of them looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from sojourn.journey.effects import Effects, Send
from sojourn.journey.entries import REFUSALS
from sojourn.journey.program import COMPLETES, Program
from sojourn.journey.runs import Some
from sojourn.journey.step import HOLD
from sojourn.journey.world import Verdicts, World
from sojourn.message.policy import gates
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Rule
from sojourn.rule.explain import trace
from sojourn.runtime.backtest import Question, played, without_marks_of
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.deciding import deciding, sends
from sojourn.tape.grain import GRAIN
from sojourn.tape.selection import select
from sojourn.tape.tape import LONG_AGO, NEVER, Codes, Ints, Tape

EARLIEST = 10**14
"""Numbers from here on are instants: 1973 in microseconds, and more than anybody counts."""


class Gate(msgspec.Struct, frozen=True):
    """One gate that a message had to pass, and the facts by which it did or did not."""

    name: str
    stopped: str  # why, '' where it passed
    facts: Mapping[str, object]


class Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was decided, at an instant (ISO 8601, UTC), with what was looked at."""

    at: str
    step: str  # '' where it is about entering
    what: str
    rules: tuple[Mapping[str, object], ...] = ()
    gates: tuple[Gate, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """All that was decided about one customer in one journey, in order, and where they stand."""

    journey: str
    entered: int  # how often
    where: str
    happened: tuple[Happened, ...]


def explain(program: Program, customer: Tape, catalogue: Catalogue, now: int) -> Explanation:
    """Why the customer (the only one on the tape) is where they are in this version, as of now."""
    catalogue = replace(catalogue, journeys=(Offered(0, (program,)),))
    notes = Notes(program, catalogue)
    tape = without_marks_of(program.journey, customer)
    player = played(program, tape, catalogue, Question(until=now), watcher=notes, decide=notes.decide)
    counts = player.counts[program.version]
    return Explanation(
        journey=program.name,
        entered=counts.entered,
        where=_where(program, player.changed().steps, player.changed().left, counts.entered),
        happened=tuple(notes.happened) or _nothing(program, tape),
    )


class Notes:
    """Writes down what is decided while one customer is played."""

    def __init__(self, program: Program, catalogue: Catalogue) -> None:
        self.happened: list[Happened] = []
        self._program, self._catalogue = program, catalogue
        self._rules: list[Mapping[str, object]] = []
        self._gates: tuple[Gate, ...] = ()
        self._decide = deciding(catalogue)

    def considered(self, journey: str, triggers: Codes, rows: Ints, now: Ints, refused: Codes) -> None:
        """Write down who was let in, and why others were not."""
        for trigger, instant, why in zip(triggers.tolist(), now.tolist(), refused.tolist(), strict=True):
            event = self._program.journey.enter[trigger].event
            answer = "entered" if why < 0 else f"did not enter: {REFUSALS[why]}"
            self._note(instant, "", f"“{event}”: {answer}")

    def asked(self, rule: Rule, cohort: Cohort) -> None:
        """Keep what a rule looked at for what is decided next."""
        self._rules.append(trace(rule, cohort).of(0))

    def stood(self, journey: str, step: str, runs: Some, exits: Codes, due: Ints) -> None:
        """Write down which way the step showed."""
        placed = self._program.placed[self._program.codes[step]]
        for exit, instant, wake in zip(exits.tolist(), runs.now.tolist(), due.tolist(), strict=True):
            if exit == HOLD:
                until = f" until {iso(wake)} at the latest" if wake != NEVER else ""
                self._note(instant, step, f"waits{until}")
            elif not placed.step.exits():
                self._note(instant, step, "leaves here")
            else:
                target = self._program.targets[self._program.codes[step], exit]
                to = (
                    "the journey is complete"
                    if target == COMPLETES
                    else f"to “{self._program.placed[target].id}”"
                )
                self._note(instant, step, f"takes exit “{placed.step.exits()[exit]}”, {to}")

    def decide(self, world: World, effects: Effects, priority: int) -> Verdicts:
        """The policy's verdicts, with what each of its gates said written down."""
        assert isinstance(effects.ask, Send)
        asked = gates(self._catalogue.policy, sends(self._catalogue, effects, priority), world.tapes)
        self._gates = tuple(
            Gate(
                gate.name,
                gate.reason_names[gate.reasons[0]] if gate.stops[0] else "",
                {name: _plain(values[0]) for name, values in gate.facts.items()},
            )
            for gate in asked
        )
        return self._decide(world, effects, priority)

    def _note(self, instant: int, step: str, what: str) -> None:
        self.happened.append(Happened(iso(instant), step, what, tuple(self._rules), self._gates))
        self._rules, self._gates = [], ()


def iso(instant: int) -> str:
    """Microseconds UTC as ISO 8601, to the second."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant // GRAIN * GRAIN)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _where(program: Program, steps: Codes, left: Ints, entered: int) -> str:
    if not entered:
        return "never entered"
    inside = [program.placed[step].id for step, gone in zip(steps, left, strict=True) if gone == NEVER]
    return f"on “{inside[-1]}”" if inside else "has left"


def _nothing(program: Program, tape: Tape) -> tuple[Happened, ...]:
    """Why nothing was ever decided: no event came that could have."""
    told = []
    for trigger in program.journey.enter:
        seen = select(tape, [trigger.event]).received
        why = (
            f"none of {len(seen)} events met the conditions on its properties"
            if len(seen)
            else "never happened"
        )
        told.append(Happened(iso(int(seen[-1])) if len(seen) else "", "", f"“{trigger.event}”: {why}"))
    return tuple(told)


def _plain(value: object) -> object:
    """A fact as JSON can hold it: instants as ISO 8601, null where there is none."""
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, int) or abs(plain) < EARLIEST:
        return plain
    return None if plain in (NEVER, LONG_AGO) else iso(plain)
