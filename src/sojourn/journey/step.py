"""The contract of a step: what each kind declares, and how it answers for all runs that stand on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.rule.definition import Rule
from sojourn.tape.tape import NEVER, Bools, Codes, Ints

if TYPE_CHECKING:
    from sojourn.journey.effects import Ask
    from sojourn.journey.runs import Some
    from sojourn.journey.world import World

HOLD = -1
"""The exit of a run that stays on its step."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a step says of m runs: which exit each takes (or HOLD), and when time alone wakes it.

    Whoever goes on asks `ask` on the way; whoever goes on leaves the journey if `leaves` is a reason.
    """

    exits: Codes  # int32[m], index into the step's exits, or HOLD
    due: Ints  # int64[m], read where a run holds
    ask: Ask | None = None
    leaves: str | None = None


def go(m: int, **asked: Any) -> Answer:
    """Everybody takes the only exit."""
    return Answer(np.zeros(m, np.int32), np.full(m, NEVER), **asked)


def hold_until(due: Ints, now: Ints) -> Answer:
    """Everybody holds until `due` and then takes the only exit."""
    return Answer(np.where(due <= now, 0, HOLD).astype(np.int32), due)


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

    def holds(self, rule: Rule, since: Ints | None = None) -> Bools:
        """Whether `rule` holds for each run; what it says of events since entry counts from `since`."""
        return self.world.holds(rule, self.runs, self.journey, since)

    def horizon(self, rule: Rule, since: Ints | None = None) -> Ints:
        """When time alone may next change what `rule` says of each run."""
        return self.world.horizon(rule, self.runs, self.journey, since)

    def zones(self) -> tuple[Codes, tuple[str, ...]]:
        """Each customer's time zone, as codes and names."""
        return self.world.zones(self.runs.rows, self.now)


class Step(msgspec.Struct, frozen=True):
    """The settings of one step; each kind is a subclass in a file of its own."""

    def exits(self) -> tuple[str, ...]:
        """The names of the ways out, in the order in which `answer` numbers them."""
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

    def holds(self) -> bool:
        """Whether whoever arrives always stays until time passes or something happens."""
        return False

    def ends(self) -> bool:
        """Whether nobody goes on from here."""
        return False


@dataclass(frozen=True)
class StepKind:
    """The declaration of a kind of step: everything the rest of Sojourn knows of it."""

    name: str  # its key in a journey's text
    group: str  # where the palette shows it: time, decide, say, do, connect, end
    title: str
    summary: str
    settings: type[Step]
    read: Callable[[Fields], Step]
    write: Callable[[Any, Mapping[str, str]], dict[str, object]]
    schema: Mapping[str, object]  # JSON Schema of the value under its key
    beside: Mapping[str, object] = field(default_factory=dict)  # and of the keys beside it


@dataclass
class Fields:
    """One step's mapping while it is read: takes keys one by one, and knows what was not taken."""

    data: Mapping[str, object]
    place: str
    targets: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def take(self, key: str, default: object = None) -> object:
        """The value of `key`, or `default`."""
        self.taken.add(key)
        return self.data.get(key, default)

    def need(self, key: str) -> object:
        """The value of `key`; Invalid when it is not there."""
        if key not in self.data:
            raise Invalid(f"needs {key!r}", place=self.place)
        return self.take(key)

    def text(self, key: str, default: str | None = None) -> str:
        """The text under `key`; Invalid when it is something else, or missing without a default."""
        value = self.need(key) if default is None else self.take(key, default)
        if not isinstance(value, str):
            raise Invalid(f"must be a text, not {value!r}", place=f"{self.place}.{key}")
        return value

    def mapping(self, key: str) -> Fields:
        """The mapping under `key`, to be read in turn."""
        value = self.need(key)
        if not isinstance(value, Mapping):
            raise Invalid(f"must be a mapping, not {value!r}", place=f"{self.place}.{key}")
        return Fields(value, f"{self.place}.{key}", self.targets)

    def items(self, key: str) -> list[Fields]:
        """The mappings of the list under `key`, each to be read in turn."""
        value = self.need(key)
        place = f"{self.place}.{key}"
        if not isinstance(value, list) or not value:
            raise Invalid("must be a list with at least one entry", place=place)
        for n, one in enumerate(value):
            if not isinstance(one, Mapping):
                raise Invalid(f"must be a mapping, not {one!r}", place=f"{place}[{n}]")
        return [Fields(one, f"{place}[{n}]", self.targets) for n, one in enumerate(value)]

    def target(self, exit: str, key: str = "then") -> None:
        """Note where `exit` leads: the step named under `key`, by default the one that follows."""
        if key in self.data:
            self.targets[exit] = self.text(key)

    def done(self) -> None:
        """Raise Invalid if a key was not taken: a misspelt setting is never passed over."""
        for key in self.data:
            if key not in self.taken:
                close = get_close_matches(str(key), sorted(self.taken), n=1)
                known = ", ".join(sorted(self.taken))
                hint = f"did you mean {close[0]!r}?" if close else f"known here: {known}"
                raise Invalid(f"unknown key {key!r}; {hint}", place=f"{self.place}.{key}".lstrip("."))
