"""What a tape promises holds after building, merging and taking, whatever the events."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.tape.build import build, empty, merge, stack, take
from sojourn.tape.kernels.order import by_happened
from sojourn.tape.kernels.warm import warm
from sojourn.tape.selection import carrying, select, union
from sojourn.tape.tape import Column, Ints, Tape

Row = tuple[int, int, int, str, float | str | None]
VALUES = st.sampled_from([None, 1.0, 2.5, "x", "y", "z"])
ROWS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 9), st.integers(0, 9), st.sampled_from("abc"), VALUES),
    max_size=12,
)


def tape_of(rows: list[Row], on_time: bool = False) -> Tape:
    customers, times, received = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3).T.copy()
    vocabulary = tuple(dict.fromkeys(row[3] for row in rows))
    names = np.array([vocabulary.index(row[3]) for row in rows], np.int32)
    carried = [i for i, row in enumerate(rows) if row[4] is not None]
    column = Column.of(np.array(carried, np.int64), [rows[i][4] for i in carried])
    keys = np.arange(1, len(rows) + 1)
    return build(
        customers, times, None if on_time else received, names, vocabulary, keys, properties={"p": column}
    )


def told(tape: Tape) -> list[tuple[int, int, str, float | str | None]]:
    """The events of a tape in its order: customer, time, name, property."""
    owners = np.repeat(tape.customers, np.diff(tape.starts)).tolist()
    column = tape.properties["p"]
    carried: dict[int, float | str] = {}
    for position, number, code in zip(column.positions, column.numbers, column.codes, strict=True):
        carried[int(position)] = column.texts[code] if code >= 0 else float(number)
    return [
        (owners[i], int(tape.times[i]), tape.vocabulary[tape.names[i]], carried.get(i))
        for i in range(len(tape))
    ]


def met(tape: Tape) -> list[tuple[int, int]]:
    """The customer of each event and when we met it."""
    owners = np.repeat(tape.customers, np.diff(tape.starts))
    return list(zip(owners.tolist(), tape.received.tolist(), strict=True))


def check(tape: Tape) -> None:
    assert (np.diff(tape.customers) > 0).all()
    assert tape.starts[0] == 0
    assert tape.starts[-1] == len(tape)
    assert (tape.times <= tape.received).all()
    falls = False
    for low, high in zip(tape.starts[:-1], tape.starts[1:], strict=True):
        assert (np.diff(tape.received[low:high]) > 0).all()
        falls = falls or bool((np.diff(tape.times[low:high]) < 0).any())
    assert tape.late == falls
    assert (np.diff(tape.properties["p"].positions) > 0).all()


@given(ROWS, st.booleans())
def test_a_built_tape_holds_every_event_in_the_order_met(rows: list[Row], on_time: bool) -> None:
    tape = tape_of(rows, on_time)
    check(tape)
    instant = 1 if on_time else 2
    order = sorted(rows, key=lambda row: (row[0], row[instant]))
    expected = [(row[0], row[1], row[3], row[4]) for row in order]
    if on_time:
        assert told(tape) == expected
    else:
        assert [(c, n, p) for c, _, n, p in told(tape)] == [(c, n, p) for c, _, n, p in expected]


@given(ROWS, ROWS)
def test_a_merge_holds_the_events_of_both_as_they_were_met(rows: list[Row], others: list[Row]) -> None:
    one, two = tape_of(rows), tape_of(others)
    merged = merge(one, two)
    check(merged)
    events = list(zip(met(one) + met(two), told(one) + told(two), strict=True))
    assert told(merged) == [event for _, event in sorted(events, key=lambda pair: pair[0])]
    assert set(merged.customers) == set(one.customers) | set(two.customers)


@given(ROWS)
def test_a_merge_is_the_tape_built_at_once(rows: list[Row]) -> None:
    half = len(rows) // 2
    ordered = [(c, time, met, name, value) for met, (c, time, _, name, value) in enumerate(rows)]
    merged = merge(tape_of(ordered[:half]), tape_of(ordered[half:]))
    built = tape_of(ordered)
    assert told(merged) == told(built)
    assert merged.received.tolist() == built.received.tolist()


@given(rows=ROWS, cuts=st.lists(st.integers(1, 4), max_size=3), on_time=st.booleans())
def test_a_stack_of_the_parts_is_the_whole(rows: list[Row], cuts: list[int], on_time: bool) -> None:
    parts = np.searchsorted(sorted(cuts), [row[0] for row in rows])
    some = [
        tape_of([row for row, of in zip(rows, parts, strict=True) if of == part], on_time)
        for part in range(4)
    ]
    stacked = stack([tape for tape in some if len(tape)])
    check(stacked)
    assert told(stacked) == [event for tape in some for event in told(tape)]
    assert met(stacked) == [event for tape in some for event in met(tape)]
    assert stacked.keys.tolist() == [key for tape in some for key in tape.keys.tolist()]


@given(ROWS, st.data())
def test_taking_customers_takes_all_of_theirs(rows: list[Row], data: st.DataObject) -> None:
    tape = tape_of(rows)
    chosen = data.draw(st.sets(st.sampled_from(range(len(tape.customers))))) if len(tape.customers) else set()
    part = take(tape, np.array(sorted(chosen), np.int64))
    check(part)
    customers = {int(tape.customers[row]) for row in chosen}
    assert told(part) == [event for event in told(tape) if event[0] in customers]
    assert part.keys.tolist() == [
        key for key, event in zip(tape.keys.tolist(), told(tape), strict=True) if event[0] in customers
    ]


@given(ROWS)
def test_by_happened_sorts_by_time_and_keeps_ties(rows: list[Row]) -> None:
    tape = tape_of(rows)
    owners = np.repeat(np.arange(len(tape.customers)), np.diff(tape.starts))
    assert by_happened(tape.starts, tape.times).tolist() == np.lexsort((tape.times, owners)).tolist()


@given(ROWS, st.sets(st.sampled_from(["a", "b", "never seen"])))
def test_a_selection_picks_what_is_named(rows: list[Row], names: set[str]) -> None:
    tape = tape_of(rows)
    chosen = select(tape, names)
    assert chosen.positions.tolist() == [i for i, event in enumerate(told(tape)) if event[2] in names]
    assert chosen.times.tolist() == tape.times[chosen.positions].tolist()
    counts = [
        int(np.isin(chosen.positions, np.arange(low, high)).sum())
        for low, high in zip(tape.starts[:-1], tape.starts[1:], strict=True)
    ]
    assert np.diff(chosen.starts).tolist() == counts
    even = np.arange(len(tape)) % 2 == 0
    assert select(tape, names, even).positions.tolist() == [
        p for p in chosen.positions.tolist() if p % 2 == 0
    ]


@given(ROWS)
def test_carriers_and_unions_are_selections_too(rows: list[Row]) -> None:
    tape = tape_of(rows)
    carriers = carrying(tape, tape.properties["p"])
    assert carriers.positions.tolist() == [i for i, event in enumerate(told(tape)) if event[3] is not None]
    both = union(tape, carriers, select(tape, ["a"]))
    expected = [i for i, event in enumerate(told(tape)) if event[3] is not None or event[2] == "a"]
    assert both.positions.tolist() == expected
    assert len(select(tape)) == len(tape)


def test_history_that_comes_in_order_shares_one_array() -> None:
    rows: list[Row] = [(1, 5, 0, "a", None), (1, 3, 0, "b", None)]
    tape = tape_of(rows, on_time=True)
    assert not tape.late
    assert tape.times is tape.received
    assert take(tape, np.array([0])).times.tolist() == [3, 5]
    later = tape_of([(2, 7, 0, "a", None)], on_time=True)
    merged = merge(tape, later)
    assert merged.times is merged.received


def test_an_empty_tape_has_customers_without_events() -> None:
    ids: Ints = np.array([3, 5])
    assert empty().customers.tolist() == []
    assert merge(empty(ids), empty(np.array([4]))).customers.tolist() == [3, 4, 5]
    assert len(select(empty(ids), ["a"])) == 0


def test_all_kernels_compile() -> None:
    assert warm() >= 10
