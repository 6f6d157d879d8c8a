"""What rules may name: segments, and beside them the scores and the stages of the lifecycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from sojourn.rule.definition import POINTS_ADDED, Comparison, Condition, Performed, Rule
from sojourn.rule.span import Span


class Gain(msgspec.Struct, frozen=True):
    """Points for each event of a name that meets the conditions.

    All that it has given, faded, never comes to more than `most`, or less than minus that.
    """

    event: str
    points: float
    where: tuple[Condition, ...] = ()
    most: float | None = None
    per: str = ""  # the property whose number the points are multiplied by

    @property
    def picks(self) -> Performed:
        """The rule that looks at just these events."""
        carried = (Condition(self.per, (Comparison("exists", True),)),) if self.per else ()
        return Performed(self.event, (*self.where, *carried))


class Fit(msgspec.Struct, frozen=True):
    """Points for as long as a rule holds."""

    rule: Rule
    points: float


class Group(msgspec.Struct, frozen=True):
    """Points that fade together: what events gave loses half of itself every `half_life`."""

    name: str = ""
    gains: tuple[Gain, ...] = ()
    fits: tuple[Fit, ...] = ()
    half_life: Span | None = None  # None: nothing fades
    least: float = 0.0
    most: float | None = None


class Score(msgspec.Struct, frozen=True):
    """A number for each customer at each instant: the sum of its groups, within limits."""

    name: str
    groups: tuple[Group, ...]
    least: float | None = None
    most: float | None = None

    def only(self, group: str) -> Score:
        """The score of one of its groups alone; with '' the whole."""
        return Score(self.name, tuple(one for one in self.groups if one.name == group)) if group else self

    def gains(self, group: Group) -> tuple[Gain, ...]:
        """What events give to the group, also those by which a journey adds points.

        Points that name no group are added to the first group that events give to, else to the first.
        """
        mine = Condition("score", (Comparison("is", self.name),))
        asked = [Condition("group", (Comparison("is", group.name),))] if group.name else []
        if group == next((one for one in self.groups if one.gains), self.groups[0]):
            asked.append(Condition("group", (Comparison("exists", False),)))
        added = tuple(Gain(POINTS_ADDED, 1.0, (mine, one), per="points") for one in asked)
        return (*group.gains, *added)


@dataclass(frozen=True, eq=False)
class Named(Mapping[str, Rule]):
    """Segments by name, as which it is read, with the scores and stages that rules may name as well."""

    segments: Mapping[str, Rule] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    stages: tuple[str, ...] = ()  # in order; in the first is whoever never changed

    @staticmethod
    def of(segments: Mapping[str, Rule]) -> Named:
        """What these segments stand among, if anything."""
        return segments if isinstance(segments, Named) else Named(segments)

    def without(self, *, segment: str = "", score: str = "") -> Named:
        """All but one."""
        return replace(
            self,
            segments={name: rule for name, rule in self.segments.items() if name != segment},
            scores={name: one for name, one in self.scores.items() if name != score},
        )

    def __getitem__(self, name: str) -> Rule:
        return self.segments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)
