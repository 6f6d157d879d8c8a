"""The catalogue: all that is published, made ready to run, and what of the tape it looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sojourn.customer.lifecycle import Stage
from sojourn.customer.marks import (
    CUSTOMERS_MERGED,
    CUSTOMERS_PARTED,
    SCORE_CHANGED,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
)
from sojourn.customer.references import Definitions
from sojourn.journey.definition import DATE_REACHED, Journey
from sojourn.journey.effects import TRAITS_SET, Mark, Send
from sojourn.journey.ports import Won
from sojourn.journey.program import Program
from sojourn.message import policy as policies
from sojourn.message.policy import Policy
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import LIFECYCLE_CHANGED, Bucket, Rule
from sojourn.rule.evaluate import evaluate
from sojourn.rule.needs import Needs, needs, parts
from sojourn.rule.standing.marks import CHANGES
from sojourn.rule.standing.named import Named
from sojourn.runtime.belonging.watched import Followed, Kind
from sojourn.tape.build import empty
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Ints

if TYPE_CHECKING:
    from sojourn.message.template import Template


_TOLD: dict[Kind, tuple[str, ...]] = {
    "segment": (SEGMENT_ENTERED, SEGMENT_LEFT),
    "score": (SCORE_CHANGED,),
    "date": (DATE_REACHED,),
    "stage": (LIFECYCLE_CHANGED,),
}

KINDS = ("Email", "SMS", "Push", "Webhook")
"""How the names of events about messages begin, by the kind of channel."""


@dataclass(frozen=True)
class Offered:
    """One journey with the versions that customers are in; only the last takes entries, if it is open."""

    id: int  # the store's number of the journey
    programs: tuple[Program, ...]
    open: bool = True

    @property
    def newest(self) -> Program:
        """The version that takes the entries."""
        return self.programs[-1]


@dataclass(frozen=True)
class Catalogue:
    """What is published; `stamp` changes whenever any of it does."""

    journeys: tuple[Offered, ...] = ()  # in the order in which they act: by priority, then name
    segments: Mapping[str, Rule] = field(default_factory=dict)  # as `Named`, with all that rules may name
    stages: tuple[Stage, ...] = ()
    followed: tuple[Followed, ...] = ()  # whose members are kept, in the order of `watched`
    templates: Mapping[str, Template] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    holdout: float = 0.0  # the part of all customers with whom nothing is done
    winners: Mapping[tuple[str, str], Won] = field(default_factory=dict)  # by journey and step
    stamp: int = 0

    @cached_property
    def numbers(self) -> Ints:
        """int64[journeys], the store's numbers of those that are played."""
        return np.array([offered.id for offered in self.journeys], np.int64)

    @cached_property
    def needs(self) -> Needs:
        """What all of it reads on tapes, and how far back."""
        found = Needs()
        for offered in self.journeys:
            for program in offered.programs:
                found |= program.needs(self.segments)
        for rule in self.segments.values():
            found |= needs(rule, self.segments)
        # Each change of a stage says from which, so those before have to be at hand.
        staged = any(one.kind == "stage" for one in self.followed)
        return found | self.followed_needs | (needs(CHANGES, {}) if staged else Needs())

    @cached_property
    def followed_needs(self) -> Needs:
        """What the rules of what is followed read on tapes."""
        found = Needs()
        for one in self.followed:
            for rule in (one.rule, one.keeps):
                found |= needs(rule, self.segments) if rule else Needs()
        return found

    @cached_property
    def definitions(self) -> Definitions:
        """All that has a name and is no journey and no template."""
        named = Named.of(self.segments)
        return Definitions(named.segments, named.scores, self.stages)

    @cached_property
    def fingerprint(self) -> int:
        """Of all that is followed, by their versions; 0 if there is nothing."""
        found = 0
        for one in self.followed:
            found = int(mix(found, one.id, one.version)[0])
        return found

    @cached_property
    def holds_of_strangers(self) -> bool:
        """Whether what is followed may hold of customers of whom nothing is known."""
        once = np.zeros(1, np.int64)
        stranger = Cohort((empty(once + 1),), once, once, self.segments)
        rules = [one.rule for one in self.followed]
        drawn = any(isinstance(part, Bucket) for rule in rules for part, _ in parts(rule, self.segments))
        return drawn or any(evaluate(rule, stranger)[0] for rule in rules)

    @cached_property
    def heard(self) -> frozenset[str]:
        """The names of events that somebody reads; events that carry traits are heard whatever their name."""
        setting = {TRAITS_SET} if self.traits else set()
        anew = {CUSTOMERS_MERGED, CUSTOMERS_PARTED} if self.followed else set[str]()
        return self.needs.events | self.heard_always | setting | anew

    @cached_property
    def heard_always(self) -> frozenset[str]:
        """The names of events that policy reads, however old they are."""
        read = policies.reads(self.policy).events
        ends = [name for name in read if name.startswith(" ")]
        return frozenset({*read, *(f"{kind}{end}" for kind in KINDS for end in ends)} - {*ends})

    @cached_property
    def carried(self) -> frozenset[str]:
        """The names of properties that somebody reads."""
        read = {*self.needs.entry, *policies.reads(self.policy).properties}
        for offered in self.journeys:
            for trigger in offered.newest.journey.enter:
                read |= {condition.name for condition in trigger.where} | {trigger.again.per}
        return frozenset(read.union(*self.needs.properties.values()))

    @cached_property
    def traits(self) -> frozenset[str]:
        """The names of traits that somebody reads."""
        return self.needs.traits | policies.reads(self.policy).traits

    @cached_property
    def stirring(self) -> frozenset[str]:
        """The names of events that may make somebody enter or move."""
        events = {trigger.event for offered in self.journeys for trigger in offered.newest.journey.enter}
        for offered in self.journeys:
            for program in offered.programs:
                for rules in (*program.awaits, (program.ended,)):
                    for rule in rules:
                        events |= needs(rule, self.segments).events
        return frozenset(events)

    @cached_property
    def emitted(self) -> frozenset[str]:
        """The names of marks, of journeys and of what is followed, that make customers enter some journey."""
        programs = [program for offered in self.journeys for program in offered.programs]
        names = {name for program in programs for name in marks_of(program.journey)}
        names |= {name for one in self.followed for name in _TOLD[one.kind]}
        return frozenset(names & self._by_trigger.keys())

    def triggered_by(self, event: str) -> Sequence[Offered]:
        """The journeys that an event of this name may make somebody enter."""
        return self._by_trigger.get(event, ())

    @cached_property
    def _by_trigger(self) -> dict[str, list[Offered]]:
        found: dict[str, list[Offered]] = {}
        for offered in self.journeys:
            for name in {trigger.event for trigger in offered.newest.journey.enter}:
                found.setdefault(name, []).append(offered)
        return found

    @cached_property
    def stirred_by_traits(self) -> bool:
        """Whether a change of some trait may move somebody."""
        awaited = (
            rule
            for offered in self.journeys
            for program in offered.programs
            for rules in program.awaits
            for rule in rules
        )
        return any(needs(rule, self.segments).traits for rule in awaited)

    def resolve(self, send: Send) -> Send:
        """The send with its channel and purpose, which by default are the template's."""
        template = self.templates.get(send.template)
        if template is None:
            return Send(send.template, send.purpose or "marketing", send.channel or "email", send.go_on)
        return Send(
            send.template, send.purpose or template.purpose, send.channel or template.channel, send.go_on
        )


_MARKS = frozenset(
    {"Journey Entered", "Journey Left", "Message Planned", "Message Suppressed", "Notice Given"}
)


def marks_of(journey: Journey) -> frozenset[str]:
    """The names of the events that the journey itself puts on tapes."""
    own = {ask.name for placed in journey.steps for ask in placed.step.asks() if isinstance(ask, Mark)}
    return _MARKS | own
