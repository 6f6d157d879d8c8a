"""A journey as data: who enters, by which steps they go, and what makes them leave from anywhere."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sojourn.journey.effects import Ask
from sojourn.journey.step import Step, placed_at, zoned
from sojourn.rule.definition import Comparison, Condition, How, Rule, Trait
from sojourn.rule.span import Span, extent
from sojourn.tape.tape import LONG_AGO, NEVER

REQUESTED = "Journey Requested"
"""The event by which the API asks that a customer enters; its property `journey` is the name."""

END_REQUESTED = "Journey End Requested"
"""The event by which another journey asks that a customer leaves; likewise."""

SEGMENT_ENTERED = "Segment Entered"

SEGMENT_LEFT = "Segment Left"

DATE_REACHED = "Date Reached"
"""The event by which a date in a trait makes customers enter; its property `date` says which."""

TIMEZONE = "timezone"
"""The trait by which we know what a customer's clock shows."""


class Again(msgspec.Struct, frozen=True):
    """When a customer may enter again: `never`, `after leaving`, `after` a span, or in `parallel`.

    With `per`, all of this is said of each value of that property of the entering event (one run a cart).
    """

    kind: str = "never"
    span: Span | None = None
    per: str = ""


class Due(msgspec.Struct, frozen=True):
    """An instant that a date in a trait gives: the date itself, or a span before it or after it."""

    trait: str
    span: Span | None = None
    before: bool = False

    @property
    def name(self) -> str:
        """What the event says of it: `3 days before trial_ends`."""
        off = f"{self.span} {'before' if self.before else 'after'} " if self.span else ""
        return f"{off}{self.trait}"

    @property
    def rule(self) -> Rule:
        """What holds from that instant on, at least for a while."""
        day = Span(days=1)
        how: How = "within_last" if not self.span else "within_next" if self.before else "more_than_ago"
        return Trait(self.trait, (Comparison(how, self.span or day),))


class Trigger(msgspec.Struct, frozen=True):
    """The events that make customers enter, if they meet the conditions."""

    event: str
    where: tuple[Condition, ...] = ()  # on the properties of the event itself
    condition: Rule | None = None  # on the customer, at that instant
    again: Again = Again()
    due: Due | None = None  # the date that the event stands for


class Opening(msgspec.Struct, frozen=True):
    """When customers may enter: ISO dates or date-times, both included; '' is no limit."""

    begins: str = ""
    ends: str = ""

    def extent(self, zone: str) -> tuple[int, int]:
        """From when (included) to when (excluded), in microseconds UTC."""
        begins = extent(self.begins, zone)[0] if self.begins else int(LONG_AGO)
        return begins, extent(self.ends, zone)[1] if self.ends else int(NEVER)


class Goal(msgspec.Struct, frozen=True):
    """What the journey is for: a run whose customer reaches it leaves as `goal`."""

    rule: Rule
    within: Span | None = None


class Placed(msgspec.Struct, frozen=True):
    """A step in its place: the id it is known by for ever, and where each exit leads ('' completes)."""

    id: str
    step: Step
    targets: tuple[str, ...]

    def awaits(self) -> tuple[Rule, ...]:
        """The rules whose events may move on a run that holds here."""
        return tuple(placed_at(rule, self.id) for rule in self.step.awaits())

    def rules(self) -> tuple[Rule, ...]:
        """All rules that it reads."""
        return tuple(placed_at(rule, self.id) for rule in self.step.rules())


class Journey(msgspec.Struct, frozen=True):
    """A whole journey; `canvas` is where the steps are drawn."""

    name: str
    enter: tuple[Trigger, ...]
    steps: tuple[Placed, ...]
    goal: Goal | None = None
    leave_if: Rule | None = None
    opening: Opening | None = None
    holdout: float = 0.0
    priority: int = 0
    canvas: Mapping[str, tuple[float, float]] = {}

    def rules(self) -> tuple[Rule, ...]:
        """All rules that the journey reads, anywhere in it."""
        found = [trigger.condition for trigger in self.enter if trigger.condition]
        found += [rule for rule in (self.goal and self.goal.rule, self.leave_if) if rule]
        return (*found, *(rule for placed in self.steps for rule in placed.rules()))

    def asks(self) -> tuple[Ask, ...]:
        """All that the journey may ask for, anywhere in it."""
        return tuple(ask for placed in self.steps for ask in placed.step.asks())

    def zoned(self) -> bool:
        """Whether customers' time zones matter to when something happens in it."""
        spans = [trigger.again.span for trigger in self.enter] + [self.goal.within if self.goal else None]
        return any(span and zoned(span) for span in spans) or any(one.step.zoned() for one in self.steps)
