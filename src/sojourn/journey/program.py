"""A program: one version of a journey made ready to run, its steps and exits as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from sojourn.journey.definition import END_REQUESTED, TIMEZONE, Journey, Placed
from sojourn.rule.definition import Comparison, Condition, Performed, Rule, Window
from sojourn.rule.needs import Needs, needs
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.slots import by_step
from sojourn.tape.tape import Codes, Ints

COMPLETES = -2
"""The target of an exit that ends the journey."""

JUMP = "jump"
"""The name under which reports count those who jumped ahead from a step."""

COMPLETED, GOAL, RULE, ENDED, HOLDOUT, GLOBAL_HOLDOUT, MERGED, ERASED, MOVED = range(9)
REASONS = (
    "completed", "goal", "rule", "ended", "holdout", "global holdout", "merged", "erased", "moved",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Program:
    """One version of a journey; `version` is the store's number of it, 0 for a draft."""

    journey: Journey
    version: int = 0

    @property
    def name(self) -> str:
        """The journey's name."""
        return self.journey.name

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The steps in their places, in the order of the text; a step's number is its place here."""
        return self.journey.steps

    @cached_property
    def hash(self) -> int:
        """The journey's name as a hash, the first part of its run ids."""
        return hash_text(self.name)

    @cached_property
    def codes(self) -> dict[str, int]:
        """The number of each step."""
        return {placed.id: code for code, placed in enumerate(self.placed)}

    @cached_property
    def targets(self) -> Codes:
        """int32[steps, most exits], the step that each exit leads to, or COMPLETES."""
        width = max(len(placed.targets) for placed in self.placed)
        table = np.full((len(self.placed), max(width, 1)), COMPLETES, np.int32)
        for code, placed in enumerate(self.placed):
            for exit, target in enumerate(placed.targets):
                table[code, exit] = self.codes.get(target, COMPLETES)
        return table

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why a run may have left; the code of a reason is its place here."""
        own = (reason for placed in self.placed for reason in placed.step.reasons())
        return tuple(dict.fromkeys((*REASONS, *own)))

    @cached_property
    def anywhere(self) -> tuple[Rule, ...]:
        """The rules that may make a run leave from any step."""
        goal = (self.journey.goal.rule,) if self.journey.goal else ()
        return (*goal, *((self.journey.leave_if,) if self.journey.leave_if else ()))

    @cached_property
    def ended(self) -> Rule:
        """Another journey has asked that the customer leaves this one; so rare that it is asked only where
        such an event is on the tapes at all."""
        this = Condition("journey", (Comparison("is", self.name),))
        return Performed(END_REQUESTED, (this,), window=Window(since_entry=True))

    @cached_property
    def jumps(self) -> tuple[tuple[int, Rule], ...]:
        """The steps that draw runs from the steps above them, and by which rule."""
        drawn = ((code, placed.step.draws()) for code, placed in enumerate(self.placed))
        return tuple((code, rule) for code, rule in drawn if rule)

    @cached_property
    def awaits(self) -> tuple[tuple[Rule, ...], ...]:
        """For each step, the rules whose events wake a run that holds there."""
        return tuple(
            tuple(dict.fromkeys((*placed.awaits(), *self.moves(code))))
            for code, placed in enumerate(self.placed)
        )

    def moves(self, code: int) -> tuple[Rule, ...]:
        """The rules that may move a run off this step whatever the step itself says."""
        return (*self.anywhere, *(rule for target, rule in self.jumps if target > code))

    def on_steps(self, steps: Codes, runs: Ints) -> Iterator[tuple[int, Ints]]:
        """The steps that some of the runs (int64[k], places in `steps`) stand on, each with those runs."""
        ordered, begins = by_step(steps, runs, len(self.placed))
        for step, (begin, end) in enumerate(pairwise(begins.tolist())):
            if begin < end:
                yield step, ordered[begin:end]

    def needs(self, segments: Mapping[str, Rule]) -> Needs:
        """What the journey looks at, anywhere in it."""
        zone = frozenset({TIMEZONE} if self.journey.zoned() else ())
        found = Needs(events=frozenset(trigger.event for trigger in self.journey.enter), traits=zone)
        for rule in (*self.journey.rules(), self.ended):
            found |= needs(rule, segments)
        return found


@dataclass(eq=False)
class Counts:
    """How many runs went where in one program; the waiting are visits less exits taken less left."""

    entered: int
    visits: Ints  # int64[steps]
    taken: Ints  # int64[steps, exits]
    left: Ints  # int64[steps + 1, reasons]; the last row is of runs that stand on no step
    jumped: Ints  # int64[steps, steps], from one to the other without taking an exit

    @staticmethod
    def none(program: Program) -> Counts:
        """Nobody has gone anywhere."""
        steps, exits = program.targets.shape
        shapes = ((steps,), (steps, exits), (steps + 1, len(program.reasons)), (steps, steps))
        return Counts(0, *(np.zeros(shape, np.int64) for shape in shapes))

    def add(self, more: Counts) -> None:
        """Count what `more` counts as well."""
        self.entered += more.entered
        self.visits += more.visits
        self.taken += more.taken
        self.left += more.left
        self.jumped += more.jumped

    @property
    def waiting(self) -> Ints:
        """int64[steps], who stands on each step."""
        gone: Ints = self.taken.sum(axis=1) + self.jumped.sum(axis=1) + self.left[:-1].sum(axis=1)
        return self.visits - gone
