"""The contract of a step: what each kind declares, and how it answers for all runs that stand on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec.structs import replace

from sojourn.rule.definition import Comparison, Condition, Outcome, Performed, Rule, Trait, Window
from sojourn.rule.span import Span
from sojourn.tape.tape import NEVER, Bools, Codes, Ints

if TYPE_CHECKING:
    from sojourn.journey.effects import Ask, Send, Values
    from sojourn.journey.runs import Some
    from sojourn.journey.text.fields import Fields
    from sojourn.journey.world import World

HOLD = -1
"""The exit of a run that stays on its step."""

HERE = "."
"""The step that a rule of a step's own names, whatever id it is placed under."""

THEN: Mapping[str, Any] = {
    "$ref": "#/$defs/step_id",
    "description": "The step that comes next; by default the one that follows.",
}
"""The schema of `then`, for kinds that have this exit among others."""


_OF_A_STEP = tuple(Condition(name, (Comparison("exists", True),)) for name in ("journey", "step"))
SAID = tuple(
    Performed(event, _OF_A_STEP, window=Window(since_entry=True))
    for event in ("Message Planned", "Message Suppressed")
)
"""What a step reads that asks on arrival and must know what policy said of it."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What some of m runs ask: those of `who`, bool[m], or else all that go on.

    A message that has several ways to be sent goes by the first of `instead` that policy allows.
    `properties` and `traits` are those of a mark that differ by run, each of m values.
    """

    ask: Ask
    who: Bools | None = None
    instead: tuple[Send, ...] = ()
    properties: Mapping[str, Values] = field(default_factory=dict)
    traits: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a step says of m runs: which exit each takes (or HOLD), and when time alone wakes it.

    What is asked keeps its place in `asked` whenever the step answers: its effect key is made of it.
    Whoever goes on leaves the journey if `leaves` is a reason.
    """

    exits: Codes  # int32[m], index into the step's exits, or HOLD
    due: Ints  # int64[m], read where a run holds
    asked: tuple[Asked, ...] = ()
    leaves: str | None = None


def go(m: int, *asks: Ask, leaves: str | None = None) -> Answer:
    """Everybody takes the only exit, and asks this on the way."""
    return Answer(np.zeros(m, np.int32), np.full(m, NEVER), tuple(Asked(ask) for ask in asks), leaves)


def hold_until(due: Ints, now: Ints) -> Answer:
    """Everybody holds until `due` and then takes the only exit."""
    return Answer(np.where(due <= now, 0, HOLD).astype(np.int32), due)


def placed_at(rule: Rule, step: str) -> Rule:
    """The rule, asked of `step` if it was asked HERE."""
    return replace(rule, step=step) if isinstance(rule, Outcome) and rule.step == HERE else rule


def zoned(span: Span) -> bool:
    """Whether the end of a span depends on the customer's time zone."""
    return bool(span.days or span.months)


@dataclass(frozen=True, eq=False)
class Standing:
    """The m runs that stand on one step, each at its own instant, and the world around them."""

    runs: Some
    world: World
    journey: str
    step: str

    @property
    def now(self) -> Ints:
        """int64[m], microseconds UTC."""
        return self.runs.now

    @property
    def arriving(self) -> Bools:
        """bool[m], who has come here at this very instant; each comes once a visit."""
        arriving: Bools = self.runs.now == self.runs.since
        return arriving

    def holds(self, rule: Rule, since: Ints | None = None) -> Bools:
        """Whether `rule` holds for each run; what it says of events since entry counts from `since`."""
        return self.world.holds(placed_at(rule, self.step), self.runs, self.journey, since)

    def times(self, rule: Outcome) -> Ints:
        """int64[m], how often what an outcome names has come about here for each run."""
        return self.world.times(replace(rule, step=self.step), self.runs, self.journey)

    def planned(self) -> tuple[Ints, Bools]:
        """When a message of this step was last planned on this visit, int64[m], LONG_AGO if never, and
        whether policy has refused one, bool[m]."""
        since = self.runs.since
        planned, refused = (self._said(rule) for rule in SAID)
        return self.world.last(planned, self.runs, self.journey, since), self.holds(refused, since)

    def _said(self, rule: Performed) -> Performed:
        named = {"journey": self.journey, "step": self.step}
        where = tuple(Condition(name, (Comparison("is", value),)) for name, value in named.items())
        return replace(rule, where=where)

    def horizon(self, rule: Rule, since: Ints | None = None) -> Ints:
        """When time alone may next change what `rule` says of each run."""
        return self.world.horizon(rule, self.runs, self.journey, since)

    def zones(self) -> tuple[Codes, tuple[str, ...]]:
        """Each customer's time zone when they arrived, as codes and names."""
        return self.world.zones(self.runs.rows, self.runs.since)

    def has(self, trait: str) -> Bools:
        """bool[m], whether the customer has any value of the trait."""
        return self.holds(Trait(trait, (Comparison("exists", True),)))

    def texts(self, trait: str) -> Values:
        """object[m], the text of a trait, '' where the customer has none."""
        return self.world.texts(trait, self.runs.rows, self.runs.now)

    def dates(self, name: str, *, entry: bool = False) -> Ints:
        """int64[m], the date that a trait, or a property of the entering event, holds; LONG_AGO if none."""
        return self.world.dates(name, self.runs, self.journey, entry=entry)

    def off(self, instants: Ints, span: Span, *, before: bool) -> Ints:
        """The instants moved by the span, back if `before`, on the customers' calendars."""
        return self.world.later(self.runs.rows, instants, span, back=before)

    def later(self, span: Span) -> Ints:
        """When the span since each arrived is over, on the customers' calendars."""
        return self.world.later(self.runs.rows, self.runs.since, span)


class Step(msgspec.Struct, frozen=True):
    """The settings of one step; each kind is a subclass in a file of its own."""

    def exits(self) -> tuple[str, ...]:
        """The names of the ways out, in the order in which `answer` numbers them; none where all leave."""
        return ("then",)

    def answer(self, standing: Standing) -> Answer:
        """What becomes of the runs that stand here now; pure."""
        raise NotImplementedError

    def awaits(self) -> tuple[Rule, ...]:
        """The rules whose events may move on a run that holds here."""
        return ()

    def rules(self) -> tuple[Rule, ...]:
        """All rules that it reads."""
        return self.awaits()

    def asks(self) -> tuple[Ask, ...]:
        """What it may ask for."""
        return ()

    def draws(self) -> Rule | None:
        """The rule that makes runs jump here from any step that is written above."""
        return None

    def reasons(self) -> tuple[str, ...]:
        """Why runs may leave the journey from here."""
        return ()

    def paced(self) -> bool:
        """Whether the due instant of a run is a slot of its own, so that it must arrive anew for another."""
        return False

    def zoned(self) -> bool:
        """Whether the customer's time zone matters."""
        return False

    def holds(self) -> bool:
        """Whether whoever arrives always stays until time passes or something happens."""
        return False

    def endless(self) -> bool:
        """Whether a run may stay here for ever."""
        return False


@dataclass(frozen=True)
class StepKind:
    """The declaration of a kind of step: everything the rest of Sojourn knows of it.

    `read` and `write` are of the step's mapping but for where its exits lead, which is the text's own.
    """

    name: str  # its key in a journey's text
    group: str  # where the palette shows it: time, decide, say, do, connect, end
    title: str
    summary: str
    settings: type[Step]
    read: Callable[[Fields], Step]
    write: Callable[[Any], dict[str, Any]]
    schema: Mapping[str, Any]  # JSON Schema of the value under its key; of a list, each entry may have `then`
    example: str  # YAML of a step of this kind, with its id
    beside: Mapping[str, Any] = field(default_factory=dict)  # schemas of the keys beside it, exits too
