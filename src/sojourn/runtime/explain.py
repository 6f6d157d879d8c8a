"""Explains why a customer did or did not enter a journey, went where they went and got what they got.

It plays the journey for this one customer with the functions that decide for everybody, and writes down
what each of them looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from sojourn.journey.definition import Placed
from sojourn.journey.effects import Effects, Send
from sojourn.journey.entering.entries import REFUSALS
from sojourn.journey.play import Playing
from sojourn.journey.ports import Verdicts
from sojourn.journey.program import COMPLETED, REASONS, Program
from sojourn.journey.runs import OUTSIDE, Some
from sojourn.journey.step import HOLD
from sojourn.journey.world import World
from sojourn.message import gate as gates_of
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

NOBODY = 0
"""The run of a customer who has not entered."""

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
    notes.unasked(player)
    entered = player.counts[program.version].entered
    return Explanation(
        journey=program.name,
        entered=entered,
        where=_where(program, player, entered),
        happened=notes.in_order() or _nothing(program, tape),
    )


class Notes:
    """Writes down what is decided while one customer is played."""

    def __init__(self, program: Program, catalogue: Catalogue) -> None:
        self._program, self._catalogue = program, catalogue
        self._noted: list[tuple[int, Happened]] = []
        self._considered: set[tuple[int, int]] = set()
        self._rules: defaultdict[int, list[Mapping[str, object]]] = defaultdict(list)  # by run
        self._gates: dict[int, tuple[Gate, ...]] = {}  # by run
        self._decide = deciding(catalogue)

    def in_order(self) -> tuple[Happened, ...]:
        """All that was decided, in the order of its instants."""
        return tuple(happened for _, happened in sorted(self._noted, key=lambda one: one[0]))

    def considered(self, journey: str, triggers: Codes, rows: Ints, now: Ints, refused: Codes) -> None:
        """Write down who was let in, and why others were not."""
        asked = self._rules.pop(NOBODY, [])
        for trigger, instant, why in zip(triggers.tolist(), now.tolist(), refused.tolist(), strict=True):
            self._rules[NOBODY] = list(asked)
            self._considered.add((trigger, instant))
            self._entry(instant, trigger, why)

    def unasked(self, player: Playing) -> None:
        """Write down who was not let in without any question: somebody was inside, or had been."""
        events, reasons = player.refusals()
        for trigger, instant, why in zip(
            events.triggers.tolist(), events.received.tolist(), reasons.tolist(), strict=True
        ):
            if (trigger, instant) not in self._considered:
                self._entry(instant, trigger, why)

    def asked(self, rule: Rule, cohort: Cohort) -> None:
        """Keep what a rule looked at for what is decided next about each run."""
        found = trace(rule, cohort)
        if cohort.runs is None:
            self._rules[NOBODY].append(found.of(0))
            return
        for place, run in enumerate(cohort.runs.tolist()):
            self._rules[run].append(found.of(place))

    def stood(self, journey: str, step: str, runs: Some, exits: Codes, due: Ints) -> None:
        """Write down which way the step showed."""
        for place, run in enumerate(runs.ids.tolist()):
            exit, instant, wake = int(exits[place]), int(runs.now[place]), int(due[place])
            if exit == HOLD:
                until = f" until {iso(wake)} at the latest" if wake != NEVER else ""
                self._note(instant, step, f"waits{until}", run)
            elif exit < len(self._step(step).targets):
                self._note(instant, step, self._way(step, exit), run)

    def left(self, journey: str, runs: Some, reason: str) -> None:
        """Write down that the customer has left, unless the last exit has said so."""
        for run, instant, step in zip(
            runs.ids.tolist(), runs.now.tolist(), runs.among.steps[runs.index].tolist(), strict=True
        ):
            where = self._program.placed[step].id if step != OUTSIDE else ""
            if reason != REASONS[COMPLETED]:
                self._note(instant, where, f"leaves: {reason}", run)

    def decide(self, world: World, effects: Effects, priority: int) -> Verdicts:
        """The policy's verdicts, with what each of its gates said written down."""
        assert isinstance(effects.ask, Send)
        asked = gates(self._catalogue.policy, sends(self._catalogue, effects, priority), world.tapes)
        for place, run in enumerate(effects.runs.tolist()):
            self._gates[run] = tuple(_gate(one, place) for one in asked)
        return self._decide(world, effects, priority)

    def _step(self, name: str) -> Placed:
        return self._program.placed[self._program.codes[name]]

    def _way(self, name: str, exit: int) -> str:
        step = self._step(name)
        target = step.targets[exit]
        to = f"to “{target}”" if target else "the journey is complete"
        return f"takes exit “{step.step.exits()[exit]}”, {to}"

    def _entry(self, instant: int, trigger: int, why: int) -> None:
        event = self._program.journey.enter[trigger].event
        answer = "entered" if why < 0 else f"did not enter: {REFUSALS[why]}"
        self._note(instant, "", f"“{event}”: {answer}", NOBODY)

    def _note(self, instant: int, step: str, what: str, run: int) -> None:
        rules, stops = tuple(self._rules.pop(run, ())), self._gates.pop(run, ())
        self._noted.append((instant, Happened(iso(instant), step, what, rules, stops)))


def iso(instant: int) -> str:
    """Microseconds UTC as ISO 8601, to the second."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant // GRAIN * GRAIN)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _where(program: Program, player: Playing, entered: int) -> str:
    runs = player.changed()
    inside = [f"“{program.placed[step].id}”" for step in runs.steps[runs.left == NEVER].tolist()]
    if inside:
        return f"on {' and '.join(inside)}"
    return "has left" if entered else "never entered"


def _gate(gate: gates_of.Gate, place: int) -> Gate:
    stopped = gate.reason_names[gate.reasons[place]] if gate.stops[place] else ""
    return Gate(gate.name, stopped, {name: _plain(values[place]) for name, values in gate.facts.items()})


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
