"""What the tests of rules are tried on: random rules, and random customers as events and as tapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from rule_reading import Asked, Event, Value
from rule_standing import SEGMENTS, STAGES, asked_scores

from sojourn.rule import definition as d
from sojourn.rule.cohort import Cohort
from sojourn.rule.span import DAY, HOUR, Span, instants
from sojourn.rule.text.comparisons import HOWS, NUMBERS, OF_A_MEASURE, OF_A_TIME, OF_A_VALUE, SPANS
from sojourn.tape.build import build
from sojourn.tape.tape import Column, Tape

BEGINS = int(instants(["2026-03-20"], "UTC")[0])
SLOTS = 24  # events are met at so many half days, so that they lie on the edges of windows
JOURNEY = "welcome"
RUNS_OF = 100  # the ids of a customer's runs start at so many times their own
NAMES = ("Viewed", "Ordered", "Email Opened", "Email Link Clicked")
MARKS = ("Points Added", "Lifecycle Changed", "List Joined", "List Left")
PROPERTIES: dict[str, tuple[Value, ...]] = {
    "total": (1.0, 2.0, 10.5, "2", 1775000000.0),
    "kind": ("a", "ab", "b", 1.0, '["a", "b"]', "["),
    "day": ("2026-03-25", "2026-04-01T12:00", "2026-03-29T12:00+02:00", "never", BEGINS / 1e6 + 86400 * 9),
    "step": ("hello", "bye"),
    "template": ("t", "u"),
    "journey": (JOURNEY, "other"),
    "machine": (1.0, 0.0, "true"),
    "score": ("lead", "lead", "mood", "mixed"),
    "group": ("fit", "engagement", "kept"),
    "points": (3.0, -2.0, 0.75, "many"),
    "to": ("cold", "MQL", "SQL", "gone"),
    "list": ("news", "beta"),
}
TRAITS: dict[str, tuple[Value, ...]] = {
    "plan": ("a", "ab", "trial", 1.0),
    "age": (1.0, 2.0, 17.5, 99.0),
    "ends": PROPERTIES["day"],
}
ARE_SPANS = (Span(days=1), Span(days=3), Span(0, 0, 12 * HOUR), Span(1), Span(0, 1, 1))
DATES = ("2026-03-25", "2026-03-29", "2026-04-01", "2026-04-01T12:00", "2026-04-02T00:00+02:00")

spans = st.sampled_from(ARE_SPANS)
numbers = st.sampled_from((0.0, 1, 2, 2.5, 10.5))
scalars = st.one_of(numbers, st.sampled_from(("a", "ab", "b", "2", "trial", True, False)))
date_pairs = st.lists(st.sampled_from(DATES), min_size=2, max_size=2).map(
    lambda pair: tuple(sorted(pair, key=lambda text: int(instants([text], "UTC")[0])))
)
number_pairs = st.lists(numbers, min_size=2, max_size=2).map(lambda pair: tuple(sorted(pair)))

VALUES: dict[str, st.SearchStrategy[object]] = {
    **dict.fromkeys(("is", "is_not", "contains"), scalars),
    "in": st.lists(scalars, min_size=1, max_size=3).map(tuple),
    "exists": st.booleans(),
    **dict.fromkeys(("above", "at_least", "below", "at_most"), numbers),
    "between": st.one_of(number_pairs, date_pairs),
    **dict.fromkeys(("starts_with", "ends_with"), st.sampled_from(("a", "b", "tri"))),
    "matches": st.sampled_from(("^a", "b$", "(?i)A.?$", "[0-9]+")),
    **dict.fromkeys(("before", "after"), st.sampled_from(DATES)),
    **dict.fromkeys(SPANS, spans),
}


Made = TypeVar("Made")


def rarely(one: st.SearchStrategy[Made], other: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    """One time in four the one, else the other: rules that ask for everything at once never hold."""
    return st.sampled_from((False, False, False, True)).flatmap(lambda rare: one if rare else other)


NUMBER_VALUES = VALUES | {"between": number_pairs} | dict.fromkeys(("is", "is_not"), numbers)
NUMBER_VALUES["in"] = st.lists(numbers, min_size=1, max_size=3).map(tuple)
TIME_VALUES = VALUES | {"between": date_pairs}


def comparisons(
    allowed: Iterable[str] = OF_A_VALUE, values: Mapping[str, st.SearchStrategy[object]] = VALUES
) -> st.SearchStrategy[tuple[d.Comparison, ...]]:
    """One or two comparisons, in the order in which text has them."""

    def fill(hows: list[str]) -> st.SearchStrategy[tuple[d.Comparison, ...]]:
        return st.tuples(
            *(st.builds(d.Comparison, st.just(how), values[how]) for how in sorted(hows, key=HOWS.index))
        )

    hows = st.sampled_from(sorted(allowed))
    several = st.lists(hows, min_size=2, max_size=2, unique=True)
    return rarely(several, hows.map(lambda how: [how])).flatmap(fill)


def conditions(
    names: Iterable[str], *, with_when: bool = False
) -> st.SearchStrategy[tuple[d.Condition, ...]]:
    """Conditions on one or two properties, or on the time of the event itself."""
    one = st.builds(d.Condition, st.sampled_from(sorted(names)), comparisons())
    if with_when:
        one |= st.builds(d.Condition, st.just(d.WHEN), comparisons(OF_A_TIME, TIME_VALUES))
    several = st.lists(one, min_size=2, max_size=2, unique_by=lambda condition: condition.name)
    return rarely(several, one.map(lambda only: [only])).map(tuple)


names = st.sampled_from(NAMES)
maybe_where = rarely(conditions(("total", "kind", "day")), st.just(()))
between = rarely(date_pairs, st.none())
since_entry = rarely(st.booleans(), st.just(False))
windows = st.builds(d.Window, st.none() | spans, between, since_entry)
never_within = st.builds(d.Window, st.none(), between, since_entry)
some_measures = st.lists(
    st.builds(
        d.Measure,
        st.sampled_from(("sum", "min", "max", "avg")),
        st.sampled_from(("total", "day")),
        comparisons(OF_A_MEASURE, NUMBER_VALUES),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda measure: (measure.of, measure.name),
)
measures = rarely(some_measures, st.just([])).map(
    lambda some: tuple(sorted(some, key=lambda measure: ("sum", "min", "max", "avg").index(measure.of)))
)
times = st.sampled_from(((1, None), (2, None), (3, None), (0, 0), (0, 1), (1, 1), (2, 2), (1, 3), (0, 3)))


@st.composite
def performed(draw: st.DrawFn) -> d.Performed:
    """What a customer did, with anything that may be asked about it."""
    least, most = draw(times)
    edge = st.just(()) if most == 0 else rarely(conditions(("total", "kind"), with_when=True), st.just(()))
    return d.Performed(
        draw(st.sampled_from(NAMES)),
        draw(maybe_where),
        least,
        most,
        () if most == 0 else draw(measures),
        draw(edge),
        draw(edge),
        draw(windows),
    )


links = st.lists(st.builds(d.Link, st.sampled_from(NAMES), maybe_where), min_size=2, max_size=3).map(tuple)
buckets = st.integers(1, 100).flatmap(
    lambda of: st.builds(d.Bucket, st.integers(0, of), st.just(of), st.sampled_from(("", "autumn")))
)
score_leaves = st.builds(
    lambda named, tests: d.Scored(named[0], tests, named[1]),
    st.sampled_from((*asked_scores, ("lead", "no"))),
    comparisons(NUMBERS, NUMBER_VALUES),
)
leaves: st.SearchStrategy[d.Rule] = st.one_of(
    st.builds(d.Trait, st.sampled_from((*TRAITS, "nothing")), comparisons()),
    st.builds(d.Entry, st.sampled_from((*PROPERTIES, "nothing")), comparisons()),
    performed(),
    performed(),
    st.builds(d.Sequence, links, st.none() | spans, never_within),
    st.builds(d.InSegment, st.sampled_from((*SEGMENTS, "unknown"))),
    st.builds(
        d.Outcome,
        st.sampled_from(("opened", "clicked")),
        st.sampled_from(("", "hello")),
        st.sampled_from(("", "t")),
        st.sampled_from(("", "", JOURNEY)),
        maybe_where,
        st.booleans(),
        windows,
    ),
    buckets,
    score_leaves,
    score_leaves,
    st.builds(d.InStage, st.lists(st.sampled_from(STAGES), min_size=1, max_size=2, unique=True).map(tuple)),
    st.builds(d.OnList, st.sampled_from(("news", "unknown"))),
)
rules: st.SearchStrategy[d.Rule] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(d.All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(d.Any, st.lists(inner, max_size=3).map(tuple)),
        st.builds(d.Not, inner),
    ),
    max_leaves=4,
)


seeds = st.integers(0, 2**32).map(Random)
"""Customers are drawn by a generator: what Hypothesis draws itself is mostly next to nothing."""


def events(draw: Random, customer: int) -> tuple[Event, ...]:
    """What happened to one customer, in the order in which we met it; some of it came late."""
    slots = sorted(draw.sample(range(SLOTS), draw.randint(0, 12)))
    return tuple(
        Event(
            draw.choice(NAMES + MARKS if draw.random() < 0.4 else NAMES),
            BEGINS + slot * 12 * HOUR - draw.choice((0, 0, 0, 12 * HOUR, DAY, 3 * DAY)),
            BEGINS + slot * 12 * HOUR,
            draw.randint(0, 20) * 10_000 + customer * 1000 + number,
            RUNS_OF * customer + draw.choice((7, 7, 8)) if draw.random() < 0.7 else 0,
            _carried(draw, PROPERTIES),
            _carried(draw, TRAITS),
        )
        for number, slot in enumerate(slots)
    )


def _carried(draw: Random, pool: Mapping[str, tuple[Value, ...]]) -> dict[str, Value]:
    return {name: draw.choice(values) for name, values in pool.items() if draw.random() < 0.6}


@dataclass(frozen=True)
class People:
    """Customers with their events, and for each event whether it is one of our marks."""

    events: tuple[tuple[Event, ...], ...]
    marks: frozenset[int]  # keys

    def tape(self, *, marks: bool | None = None) -> Tape:
        """The tape of all events, or of only the marks or only the others."""
        rows = [
            (customer, event)
            for customer, some in enumerate(self.events, start=1)
            for event in some
            if marks is None or (event.key in self.marks) == marks
        ]
        return tape_of(rows, len(self.events))


def some_people(draw: Random) -> People:
    """One to three customers, of whose events some are marks."""
    crowd = tuple(events(draw, customer) for customer in range(1, draw.randint(2, 4)))
    keys = [event.key for some in crowd for event in some]
    return People(crowd, frozenset(key for key in keys if draw.random() < 0.4))


def some_askings(draw: Random, crowd: People) -> list[Asked]:
    """Some askings about these people, perhaps several about one."""
    found = []
    for _ in range(draw.randint(1, 5)):
        customer = draw.randrange(len(crowd.events))
        some = crowd.events[customer]
        now = BEGINS + draw.randint(5, SLOTS + 5) * 12 * HOUR + draw.choice((-1, 0, 1))
        entry = draw.choice(some) if some else None
        since = now - draw.choice((0, DAY, 5 * DAY))
        run = RUNS_OF * (customer + 1) + draw.choice((7, 7, 8, 9))
        found.append(Asked(customer + 1, some, now, SEGMENTS, JOURNEY, run, since, entry, "Europe/Berlin"))
    return found


people = seeds.map(lambda draw: (crowd := some_people(draw), some_askings(draw, crowd)))
"""Customers, and some askings about them."""


def cohort(asked: Sequence[Asked], tapes: tuple[Tape, ...]) -> Cohort:
    """The askings as a batch about these tapes."""
    return Cohort(
        tapes=tapes,
        rows=np.array([one.customer - 1 for one in asked]),
        now=np.array([one.now for one in asked]),
        segments=SEGMENTS,
        journey=JOURNEY,
        runs=np.array([one.run for one in asked]),
        since=np.array([one.since for one in asked]),
        entries=np.array([one.entry.key if one.entry else -1 for one in asked]),
        zone="Europe/Berlin",
    )


def tape_of(rows: Sequence[tuple[int, Event]], customers: int) -> Tape:
    """The tape of these events, of customers 1 to `customers`."""
    events = [event for _, event in rows]
    return build(
        customers=np.array([customer for customer, _ in rows], np.int64),
        times=np.array([event.time for event in events], np.int64),
        received=np.array([event.received for event in events], np.int64),
        names=np.array([(NAMES + MARKS).index(event.name) for event in events], np.int32),
        vocabulary=NAMES + MARKS,
        keys=np.array([event.key for event in events], np.int64),
        runs=np.array([event.run for event in events], np.int64),
        properties=_columns([event.properties for event in events]),
        traits=_columns([event.traits for event in events]),
        everyone=np.arange(1, customers + 1),
    )


def _columns(carried: Sequence[Mapping[str, Value]]) -> dict[str, Column]:
    names = dict.fromkeys(name for one in carried for name in one)
    return {name: _column([(n, one[name]) for n, one in enumerate(carried) if name in one]) for name in names}


def _column(values: Sequence[tuple[int, Value]]) -> Column:
    texts = tuple(dict.fromkeys(value for _, value in values if isinstance(value, str)))
    return Column(
        np.array([place for place, _ in values], np.int64),
        np.array([np.nan if isinstance(value, str) else value for _, value in values], np.float64),
        np.array([texts.index(value) if isinstance(value, str) else -1 for _, value in values], np.int32),
        texts,
    )
