"""Segments: named rules whose membership follows events and the passing of time by itself.

A customer is asked again at each event that the rule listens for and at each instant at which time
alone may change the answer, at exactly these instants, however late or in how large steps we get to it.
Time is looked at once a period only, which is part of the definition: so it is no matter of when we look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from sojourn.customer.marks import SEGMENT_ENTERED, SEGMENT_LEFT
from sojourn.errors import Invalid
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import All, Rule
from sojourn.rule.evaluate import evaluate
from sojourn.rule.horizon import horizon
from sojourn.rule.listens import listens
from sojourn.rule.needs import needs
from sojourn.tape.grain import on_grain
from sojourn.tape.kernels.neighbours import last_before, next_after
from sojourn.tape.selection import Selection
from sojourn.tape.tape import NEVER, Bools, Ints

PHASES = 64
"""Customers look at time at so many different phases of a period, so that they do not all at once."""

MOST_ASKED = 1 << 20
"""Askings answered together: their columns then take about 100 MB."""


_LETS_IN, _KEEPS = 1, 2


@dataclass(frozen=True, eq=False)
class Membership:
    """Where m customers stand with one segment."""

    members: Bools  # bool[m]
    seen: Ints  # int64[m], microseconds UTC up to which it was followed, that instant included
    due: Ints  # int64[m], when time alone may change it, NEVER if it cannot

    @staticmethod
    def starting(at: Ints) -> Membership:
        """Of customers who are members of nothing before these instants, at which they are first asked:
        when the segment began, or the customer."""
        return Membership(np.zeros(len(at), np.bool_), at - 1, at)

    def take(self, which: Ints) -> Membership:
        return Membership(self.members[which], self.seen[which], self.due[which])

    def put(self, which: Ints, those: Membership) -> Membership:
        """The same but for the customers at these places, who stand where `those` do."""
        members, seen, due = self.members.copy(), self.seen.copy(), self.due.copy()
        members[which], seen[which], due[which] = those.members, those.seen, those.due
        return Membership(members, seen, due)


@dataclass(frozen=True, eq=False)
class Crossings:
    """k times that a customer entered or left a segment, by customer and instant; the two alternate."""

    rows: Ints  # int64[k], row of the customer on the tapes
    instants: Ints  # int64[k], microseconds UTC
    entered: Bools  # bool[k], else left

    def take(self, which: Ints) -> Crossings:
        return Crossings(self.rows[which], self.instants[which], self.entered[which])

    @staticmethod
    def concat(parts: Sequence[Crossings]) -> Crossings:
        """All of `parts`, one after another; at least one is needed."""
        return Crossings(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.instants for part in parts]),
            np.concatenate([part.entered for part in parts]),
        )


def follow(
    rule: Rule, cohort: Cohort, membership: Membership, period: int = 1, keeps: Rule | None = None
) -> tuple[Membership, Crossings]:
    """Follows the segment of this rule up to and with `cohort.now`, from where its customers stand.

    Members stay for as long as `keeps` or the rule holds; without it, as long as the rule does.

    The cohort asks about each customer once, and its tapes hold all that the rule needs.  Where a
    customer is followed in several steps, the crossings are those of one step.  What time alone changes
    shows at the customer's next multiple of `period` (microseconds), shifted by the customer's phase.
    """
    asked = (rule,) if keeps is None else (rule, keeps)
    heard = tuple(listens(All(asked), tape, cohort.segments, zone=cohort.zone) for tape in cohort.tapes)
    parts = [
        _followed(asked, cohort.take(which), membership.take(which), heard, period)
        for which in _blocks(cohort, membership, heard)
    ]
    return _joined([part[0] for part in parts]), Crossings.concat([part[1] for part in parts])


def check(segments: Mapping[str, Rule]) -> None:
    """Raises Invalid, with the segment as place, where one leads back to itself, names a segment that is
    not there, or asks about a journey's run or who entered a segment."""
    for name, rule in segments.items():
        try:
            found = needs(rule, segments)
        except Invalid as error:
            raise Invalid(error.message, place=name) from error
        unknown = sorted(found.segments - segments.keys())
        if unknown:
            raise Invalid(f"there is no segment {unknown[0]!r}", place=name)
        if found.run:
            raise Invalid("a segment cannot ask about a run: name the journey", place=name)
        if found.events & {SEGMENT_ENTERED, SEGMENT_LEFT}:
            raise Invalid("a segment asks who is in another by in_segment", place=name)


def _blocks(cohort: Cohort, membership: Membership, heard: tuple[Selection, ...]) -> Iterator[Ints]:
    """The customers in blocks of so many that their askings fit in memory."""
    asked = np.ones(len(cohort), np.int64)
    for selection in heard:
        first, last = _heard(selection, cohort, membership)
        asked += last - first
    blocks = np.cumsum(asked) // MOST_ASKED
    cuts = np.flatnonzero(np.diff(blocks)) + 1
    yield from np.split(np.arange(len(cohort)), cuts)


def _heard(selection: Selection, cohort: Cohort, membership: Membership) -> tuple[Ints, Ints]:
    """Each customer's events not seen yet: from which to before which of the selection."""
    first = next_after(selection, cohort.rows, membership.seen)
    last = last_before(selection, cohort.rows, cohort.now)
    none = (first < 0) | (last < first)
    return np.where(none, 0, first), np.where(none, 0, last + 1)


@dataclass(frozen=True, eq=False)
class _Asked:
    """k askings, each about one customer of the cohort, and until when its answer is awaited."""

    places: Ints  # int64[k], of the customer in the cohort
    instants: Ints  # int64[k]
    before: Ints  # int64[k], the next event's instant, or one past the end


def _followed(
    asked: tuple[Rule, ...], cohort: Cohort, membership: Membership, heard: tuple[Selection, ...], period: int
) -> tuple[Membership, Crossings]:
    timed = [rule for rule in asked if needs(rule, cohort.segments).timed]
    pending = _awaited(cohort, _woken(cohort, membership, heard))
    places, instants, answers, changes = ([np.empty(0, np.int64)] for _ in range(4))
    while len(pending.places):
        about = replace(cohort.take(pending.places), now=pending.instants)
        soonest = reduce(np.minimum, (horizon(rule, about) for rule in timed), np.full(len(about), NEVER))
        change = _shown(soonest, about, period)
        places.append(pending.places)
        instants.append(pending.instants)
        answers.append(_answers(asked, about))
        changes.append(change)
        again = np.flatnonzero(change < pending.before)
        pending = _Asked(pending.places[again], change[again], pending.before[again])
    columns = tuple(np.concatenate(column) for column in (places, instants, answers, changes))
    order = np.lexsort((columns[1], columns[0]))
    place, instant, answer, change = (column[order] for column in columns)
    inside = _latched(membership.members, place, answer) if len(asked) > 1 else answer.astype(np.bool_)
    return _read(cohort, membership, place, instant, inside, change)


def _answers(asked: tuple[Rule, ...], about: Cohort) -> Ints:
    """int64[k], a bit for each of the rules that holds."""
    found = np.zeros(len(about), np.int64)
    for bit, rule in enumerate(asked):
        found |= evaluate(rule, about).astype(np.int64) << bit
    return found


def _latched(members: Bools, places: Ints, answers: Ints) -> Bools:
    """Who is inside after each answer, by customer and instant; its first bit lets in, its second keeps."""
    decided = np.flatnonzero(answers != _KEEPS)  # what only keeps leaves it as it was before
    last = np.searchsorted(decided, np.arange(len(answers)), side="right") - 1
    before = np.append(decided, 0)[last]
    known = (last >= 0) & (places[before] == places)
    return np.where(known, answers[before] & _LETS_IN != 0, members[places])


def _woken(cohort: Cohort, membership: Membership, heard: tuple[Selection, ...]) -> tuple[Ints, Ints]:
    """Whom to ask when because of an event, or because an instant is due that was foreseen: places in
    the cohort and instants, by both, each once."""
    due = np.flatnonzero(membership.due <= cohort.now)
    places, instants = [due], [membership.due[due]]
    for selection in heard:
        first, last = _heard(selection, cohort, membership)
        counts = last - first
        events = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        places.append(np.repeat(np.arange(len(cohort)), counts))
        instants.append(selection.received[events])
    place, instant = np.concatenate(places), np.concatenate(instants)
    order = np.lexsort((instant, place))
    place, instant = place[order], instant[order]
    new = np.append(True, (place[1:] != place[:-1]) | (instant[1:] != instant[:-1]))[: len(place)]
    return place[new], instant[new]


def _awaited(cohort: Cohort, woken: tuple[Ints, Ints]) -> _Asked:
    places, instants = woken
    before = cohort.now[places] + 1
    same = np.flatnonzero(places[1:] == places[:-1])
    before[same] = instants[same + 1]
    return _Asked(places, instants, before)


def _shown(change: Ints, about: Cohort, period: int) -> Ints:
    """The first instants, from those of `change` on, at which the customers look at time."""
    if period == 1:
        return change
    phase = on_grain(about.tapes[0].customers[about.rows] % PHASES * period // PHASES)
    later = np.minimum(change, NEVER - 2 * period)  # no overflow where it never changes
    return np.where(change == NEVER, NEVER, -(-(later - phase) // period) * period + phase)


def _read(
    cohort: Cohort, membership: Membership, places: Ints, instants: Ints, answers: Bools, changes: Ints
) -> tuple[Membership, Crossings]:
    """Where customers stand after these answers, by customer and instant, and where they crossed over."""
    last = np.flatnonzero(np.append(places[1:] != places[:-1], True))[: len(places)]
    members, due = membership.members.copy(), membership.due.copy()
    members[places[last]], due[places[last]] = answers[last], changes[last]
    before = np.append(False, answers[:-1])[: len(answers)]
    first = np.append(True, places[1:] != places[:-1])[: len(places)]
    before[first] = membership.members[places[first]]
    crossed = np.flatnonzero(answers != before)
    seen = np.maximum(membership.seen, cohort.now)
    crossings = Crossings(cohort.rows[places[crossed]], instants[crossed], answers[crossed])
    return Membership(members, seen, due), crossings


def _joined(parts: list[Membership]) -> Membership:
    return Membership(
        np.concatenate([part.members for part in parts]),
        np.concatenate([part.seen for part in parts]),
        np.concatenate([part.due for part in parts]),
    )
