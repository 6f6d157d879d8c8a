"""The world around runs: tapes as of their instants, what policy says, and the marks made so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from sojourn.journey.definition import TIMEZONE
from sojourn.journey.effects import TRAITS_SET, Effects, Marks, Send, Values
from sojourn.journey.ports import Verdicts, Watcher, Won, deliver_all, endless_codes, no_pace, no_responses
from sojourn.journey.runs import Runs, Some
from sojourn.journey.step import zoned
from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import dates
from sojourn.rule.definition import Outcome, Performed, Rule
from sojourn.rule.evaluate import entered_with, evaluate
from sojourn.rule.horizon import horizon
from sojourn.rule.listens import listens
from sojourn.rule.needs import needs
from sojourn.rule.picks import counts, lasts, outcomes, performed, traits
from sojourn.rule.span import Span
from sojourn.tape.build import merge
from sojourn.tape.grain import on_grain
from sojourn.tape.kernels.slots import wake_earlier
from sojourn.tape.selection import Selection, union
from sojourn.tape.tape import LONG_AGO, Bools, Codes, Ints, Tape
from sojourn.tape.zones import DAY, add_calendar


@dataclass(frozen=True, eq=False)
class Fresh:
    """Whose tapes have got marks, and which."""

    marked: Bools  # bool[customers]
    names: frozenset[str]
    traits: frozenset[str]  # that the marks carry


@dataclass(eq=False)
class World:
    """What a batch of runs lives in; its customers are those of `tape`, by their rows.

    `heard` names the marks that somebody reads; only these are put on tapes.  `kept` says whether
    the caller wants all marks, with the instants at which they are met, in `told`.
    """

    tape: Tape
    segments: Mapping[str, Rule] = field(default_factory=dict)
    zone: str = "UTC"
    holdout: float = 0.0  # the part of all customers with whom nothing is done
    at_once: int | None = None  # in how many journeys a customer may be
    winners: Mapping[tuple[str, str], Won] = field(default_factory=dict)  # by journey and step
    heard: frozenset[str] = frozenset()
    kept: bool = False
    entry_read: bool = False  # whether some rule asks about the entering event
    decide: Callable[[World, Effects, int], Verdicts] = deliver_all
    respond: Callable[[World, Effects], list[Marks]] = no_responses
    resolve: Callable[[Send], Send] = lambda send: send
    allot: Callable[[str, Ints], Values] = endless_codes
    pace: Callable[[str, float, Ints], Ints] = no_pace
    watcher: Watcher | None = None
    layers: list[Tape] = field(default_factory=list)
    told: list[tuple[Marks, Ints]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inside = np.zeros(len(self.tape.customers), np.int64)  # in how many journeys each is now
        self._last_mark = np.zeros(len(self.tape.customers), np.int64)
        self._timed: dict[Rule, bool] = {}
        self._fresh: list[Marks] = []
        self._listening: WeakKeyDictionary[Tape, dict[object, Selection]] = WeakKeyDictionary()

    @property
    def tapes(self) -> tuple[Tape, ...]:
        """The tape, and the marks that this play has put beside it."""
        return (self.tape, *self.layers)

    def cohort(self, runs: Some, journey: str, since: Ints | None = None) -> Cohort:
        """The runs as a batch that rules can be asked about."""
        return Cohort(
            tapes=self.tapes,
            rows=runs.rows,
            now=runs.now,
            segments=self.segments,
            journey=journey,
            runs=runs.ids,
            since=runs.entered if since is None else since,
            entries=runs.entries if self.entry_read else None,
            zone=self.zone,
        )

    def holds(self, rule: Rule, runs: Some, journey: str, since: Ints | None = None) -> Bools:
        """bool[n], whether the rule holds for each run at its instant."""
        return self._ask(rule, self.cohort(runs, journey, since))

    def meets(self, rule: Rule, rows: Ints, now: Ints) -> Bools:
        """bool[n], whether the rule holds for customers who are in no run yet."""
        return self._ask(rule, Cohort(self.tapes, rows, now, self.segments, zone=self.zone))

    def _ask(self, rule: Rule, cohort: Cohort) -> Bools:
        if self.watcher:
            self.watcher.asked(rule, cohort)
        return evaluate(rule, cohort)

    def horizon(self, rule: Rule, runs: Some, journey: str, since: Ints | None = None) -> Ints:
        """int64[n], when time alone may next change what the rule says."""
        return horizon(rule, self.cohort(runs, journey, since))

    def times(self, rule: Outcome, runs: Some, journey: str) -> Ints:
        """int64[n], how often what an outcome names has come about for each run."""
        return counts(outcomes(rule, self.cohort(runs, journey)))

    def texts(self, trait: str, rows: Ints, now: Ints) -> Values:
        """object[n], the text of a trait as of now, '' where a customer has none."""
        codes, names = self._codes(trait, rows, now)
        return np.array((*names, ""), np.object_)[codes]

    def last(self, rule: Performed, runs: Some, journey: str, since: Ints) -> Ints:
        """int64[n], when what the rule names came about last, LONG_AGO if it never did."""
        return lasts(performed(rule, self.cohort(runs, journey, since))).times()

    def dates(self, name: str, runs: Some, journey: str, *, entry: bool) -> Ints:
        """int64[n], the date that a trait, or a property of the entering event, holds; LONG_AGO if none."""
        cohort, found = self.cohort(runs, journey), np.full(len(runs), LONG_AGO)
        for values in entered_with(cohort, name) if entry else traits(cohort, name):
            found = np.maximum(found, dates(values, self.zone))
        return found

    def timed(self, rule: Rule) -> bool:
        """Whether time alone can change what the rule says."""
        if rule not in self._timed:
            self._timed[rule] = needs(rule, self.segments).timed
        return self._timed[rule]

    def listen(self, rules: tuple[Rule, ...], journey: str, runs: Runs, index: Ints, wakes: Ints) -> None:
        """Bring forward when the runs at `index` wake, to their next event that may change what a rule says.

        `wakes` is of all the runs, as are the customers and the instants after which one listens.
        """
        for tape in self.tapes:
            known = self._listening.setdefault(tape, {})
            if (rules, journey) not in known:
                known[rules, journey] = self._heard_on(tape, rules, journey)
            heard = known[rules, journey]
            if len(heard):
                wake_earlier(index, runs.rows, heard.starts, heard.received, runs.now, wakes)

    def _heard_on(self, tape: Tape, rules: tuple[Rule, ...], journey: str) -> Selection:
        picked = [listens(rule, tape, self.segments, journey, self.zone) for rule in rules]
        return picked[0] if len(picked) == 1 else union(tape, *picked)

    def zones(self, rows: Ints, now: Ints) -> tuple[Codes, tuple[str, ...]]:
        """Each customer's trait `timezone` as of now: codes int32[n] (-1 unknown) and names."""
        return self._codes(TIMEZONE, rows, now)

    def _codes(self, trait: str, rows: Ints, now: Ints) -> tuple[Codes, tuple[str, ...]]:
        codes, names = np.full(len(rows), -1, np.int32), tuple[str, ...]()
        for found in traits(Cohort(self.tapes, rows, now), trait):
            codes = np.where(found.codes < 0, codes, found.codes + np.int32(len(names)))
            names += tuple(found.column.texts)
        return codes, names

    def _zoned(self) -> Iterator[Ints]:
        """Of each tape, the events that carry a zone."""
        return (tape.traits[TIMEZONE].positions for tape in self.tapes)

    def later(self, rows: Ints, instants: Ints, span: Span, *, back: bool = False) -> Ints:
        """int64[n], the instants moved on (or `back`) by the span on customers' calendars, on the grain."""
        if back:
            span = Span(-span.months, -span.days, -span.microseconds)
        if not zoned(span):
            return on_grain(instants + span.microseconds)
        if not span.months and self.zone == "UTC" and not any(len(one) for one in self._zoned()):
            return on_grain(instants + (span.days * DAY + span.microseconds))  # all days have 24 hours
        codes, names = self.zones(rows, instants)
        moved = add_calendar(instants, span.days, span.months, codes, names, self.zone)
        return on_grain(moved + span.microseconds)

    def plan(self, effects: Effects) -> None:
        """Take note of sends that policy allows, and of the responses that are assumed to them."""
        for marks in (
            Marks.of(effects, "Message Planned", self._said(effects)),
            *self.respond(self, effects),
        ):
            self.tell(marks)

    def suppress(self, effects: Effects) -> None:
        """Take note of sends that policy refuses, by their reasons."""
        assert effects.reasons is not None
        for code in np.unique(effects.reasons):
            told = {**self._said(effects), "reason": effects.reason_names[code]}
            self.tell(Marks.of(effects.only(effects.reasons == code), "Message Suppressed", told))

    def _said(self, effects: Effects) -> dict[str, object]:
        assert isinstance(effects.ask, Send)
        send = self.resolve(effects.ask)
        return {"template": send.template, "channel": send.channel, "purpose": send.purpose}

    def knows(self, name: str) -> bool:
        """Whether an event of this name is on any of the tapes."""
        return any(name in tape.codes for tape in self.tapes)

    def tells(self, name: str) -> bool:
        """Whether marks of this name reach anybody."""
        return self.kept or name in self.heard

    def tell(self, marks: Marks) -> None:
        """Put marks on the customers' tapes, each met just after its instant, if somebody reads them."""
        heard = marks.name in self.heard or bool(marks.carried and TRAITS_SET in self.heard)
        if not len(marks) or not (self.kept or heard):
            return
        order, received = self._stamped(marks)
        if self.kept:
            self.told.append((marks if order is None else marks.take(order), received))
        if heard:
            self._fresh.append(marks)
            self._lay((marks if order is None else marks.take(order)).tape(received, self.tape.customers))

    def fresh(self) -> Fresh | None:
        """The marks that tapes have got since this was last asked, None if there are none."""
        if not self._fresh:
            return None
        marked = np.zeros(len(self.tape.customers), np.bool_)
        for marks in self._fresh:
            marked[marks.rows] = True
        names = frozenset(marks.name for marks in self._fresh)
        traits = frozenset(trait for marks in self._fresh for trait in marks.carried)
        self._fresh.clear()
        return Fresh(marked, names, traits)

    def _stamped(self, marks: Marks) -> tuple[Ints | None, Ints]:
        """The order of the marks by customer (None: as they are), and when each is met in that order."""
        rows, now, order = marks.rows, marks.now, None
        rank: Ints = np.zeros(1, np.int64)
        if not (np.diff(rows) > 0).all():
            order = np.lexsort((marks.keys, now, rows))
            rows, now = rows[order], now[order]
            firsts = np.flatnonzero(np.append(True, np.diff(rows) > 0))
            rank = np.arange(len(rows)) - np.repeat(firsts, np.diff(np.append(firsts, len(rows))))
        if marks.ahead:
            return order, now
        received: Ints = np.maximum(now, self._last_mark[rows]) + 1 + rank
        self._last_mark[rows] = received  # the last of a customer's comes last
        return order, received

    def _lay(self, layer: Tape) -> None:
        """Add a layer; layers of like size are merged, so that there are never many."""
        while self.layers and len(self.layers[-1]) <= 2 * len(layer):
            layer = merge(self.layers.pop(), layer)
        self.layers.append(layer)
