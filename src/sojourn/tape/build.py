"""Builds tapes: from loose events, from two tapes, from some customers of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sojourn.tape.distinct import distinct
from sojourn.tape.kernels.order import interleave, rises, spread
from sojourn.tape.tape import Bools, Codes, Column, Columns, Ints, Tape

Scalar = TypeVar("Scalar", bound=np.generic)
Places = tuple[Ints, Ints]

_NONE = np.empty(0, np.int64)


def build(  # noqa: PLR0913 - the columns of a tape are many
    customers: Ints,
    times: Ints,
    received: Ints | None,
    names: Codes,
    vocabulary: Sequence[str],
    keys: Ints | None = None,
    runs: Ints | None = None,
    properties: Mapping[str, Column] | None = None,
    traits: Mapping[str, Column] | None = None,
    *,
    everyone: Ints | None = None,
) -> Tape:
    """The tape of n loose events in any order; columns are int64[n] but names, int32[n].

    `received` None means that each was met when it happened.  Events met at one instant keep their
    given order, 1 µs apart; a time after `received` is clamped to it.  The positions of property
    and trait columns are rows of the given events.  `everyone` names customers who stand on the
    tape even without an event.
    """
    met = times if received is None else received
    order = _order(customers, met)
    ids, starts = _customers(_sorted(customers, order), everyone)
    met = _sorted(met, order)
    happened = met if received is None else _one_if_equal(met, np.minimum(_sorted(times, order), met))
    return Tape(
        customers=ids,
        starts=starts,
        times=happened,
        received=_spread(starts, met),
        names=_sorted(names, order),
        vocabulary=tuple(vocabulary),
        keys=_NONE if keys is None else _sorted(keys, order),
        runs=_NONE if runs is None else _sorted(runs, order),
        properties=_moved(properties or {}, order),
        traits=_moved(traits or {}, order),
    )


def empty(customers: Ints | None = None) -> Tape:
    """The tape of these customers (none) to whom nothing has happened."""
    return build(_NONE, _NONE, None, np.empty(0, np.int32), (), everyone=customers)


def merge(first: Tape, second: Tape) -> Tape:
    """The tape of all customers and events of both; nothing is left out, not even repeats.

    Of events of a customer met at one instant the first tape's go before the second's.
    """
    if not len(second.customers) or not len(first.customers):
        return first if len(first.customers) else second
    customers, starts, place, other_place = interleave(
        first.customers, first.starts, first.received, second.customers, second.starts, second.received
    )
    places = (place, other_place)
    vocabulary, codes = _one_vocabulary(first.vocabulary, second.vocabulary)
    met = _scattered(places, first.received, second.received)
    on_time = first.times is first.received and second.times is second.received
    return Tape(
        customers=customers,
        starts=starts,
        times=met if on_time else _scattered(places, first.times, second.times),
        received=_spread(starts, met),
        names=_scattered(places, first.names, codes[second.names]),
        vocabulary=vocabulary,
        keys=_scattered(places, first.keys, second.keys),
        runs=_scattered(places, first.runs, second.runs),
        properties=_joined(first.properties, second.properties, places),
        traits=_joined(first.traits, second.traits, places),
    )


def take(tape: Tape, rows: Ints) -> Tape:
    """The tape of the customers at these rows only (int64[m], strictly increasing)."""
    counts = tape.starts[rows + 1] - tape.starts[rows]
    starts = np.append(0, np.cumsum(counts))
    events = np.arange(starts[-1]) + np.repeat(tape.starts[rows] - starts[:-1], counts)
    received = tape.received[events]
    return Tape(
        customers=tape.customers[rows],
        starts=starts,
        times=received if tape.times is tape.received else tape.times[events],
        received=received,
        names=tape.names[events],
        vocabulary=tape.vocabulary,
        keys=tape.keys[events] if len(tape.keys) else _NONE,
        runs=tape.runs[events] if len(tape.runs) else _NONE,
        properties=_taken(tape.properties, events),
        traits=_taken(tape.traits, events),
    )


def stretch(tape: Tape, first: int, end: int) -> Tape:
    """The tape of the customers at the rows first to end - 1, on the same memory."""
    low, high = int(tape.starts[first]), int(tape.starts[end])
    received = tape.received[low:high]
    return Tape(
        customers=tape.customers[first:end],
        starts=tape.starts[first : end + 1] - low,
        times=received if tape.times is tape.received else tape.times[low:high],
        received=received,
        names=tape.names[low:high],
        vocabulary=tape.vocabulary,
        keys=tape.keys[low:high] if len(tape.keys) else _NONE,
        runs=tape.runs[low:high] if len(tape.runs) else _NONE,
        properties=_stretched(tape.properties, low, high),
        traits=_stretched(tape.traits, low, high),
    )


def stack(tapes: Sequence[Tape]) -> Tape:
    """The tape of all customers of several tapes, each one's customers beyond those of the tape before."""
    if not tapes:
        return empty()
    begins = np.cumsum([0, *(len(tape) for tape in tapes)])
    vocabulary = tuple(dict.fromkeys(name for tape in tapes for name in tape.vocabulary))
    codes = {name: code for code, name in enumerate(vocabulary)}
    names = [np.array([codes[name] for name in tape.vocabulary], np.int32)[tape.names] for tape in tapes]
    received = np.concatenate([tape.received for tape in tapes])
    on_time = all(tape.times is tape.received for tape in tapes)
    starts = [tape.starts[:-1] + begin for tape, begin in zip(tapes, begins[:-1], strict=True)]
    return Tape(
        customers=np.concatenate([tape.customers for tape in tapes]),
        starts=np.append(np.concatenate(starts), begins[-1]),
        times=received if on_time else np.concatenate([tape.times for tape in tapes]),
        received=received,
        names=np.concatenate(names),
        vocabulary=vocabulary,
        keys=_one_after_another([tape.keys for tape in tapes], begins),
        runs=_one_after_another([tape.runs for tape in tapes], begins),
        properties=_stacked([tape.properties for tape in tapes], begins),
        traits=_stacked([tape.traits for tape in tapes], begins),
    )


def keep(tape: Tape, mask: Bools) -> Tape:
    """The tape with only those of its n events where the mask is true; all customers remain."""
    events = np.flatnonzero(mask)
    received = tape.received[events]
    return replace(
        tape,
        starts=np.append(0, np.cumsum(mask))[tape.starts],
        times=received if tape.times is tape.received else tape.times[events],
        received=received,
        names=tape.names[events],
        keys=tape.keys[events] if len(tape.keys) else _NONE,
        runs=tape.runs[events] if len(tape.runs) else _NONE,
        properties=_taken(tape.properties, events),
        traits=_taken(tape.traits, events),
    )


def _order(customers: Ints, met: Ints) -> Ints | None:
    """The order by (customer, met, given order); None if they stand in it, so that nothing is copied."""
    same = customers[1:] == customers[:-1]
    if ((customers[1:] > customers[:-1]) | (same & (met[1:] >= met[:-1]))).all():
        return None
    return np.lexsort((met, customers))


def _sorted(array: npt.NDArray[Scalar], order: Ints | None) -> npt.NDArray[Scalar]:
    return array if order is None else array[order]


def _customers(owners: Ints, everyone: Ints | None) -> tuple[Ints, Ints]:
    """The distinct customers, and where their events start, from the sorted owners of all events."""
    first = np.ones(len(owners), np.bool_)
    first[1:] = owners[1:] != owners[:-1]
    begins = np.append(np.flatnonzero(first), len(owners))
    ids = owners[first]
    if everyone is None:
        return ids, begins
    all_ids = distinct(ids, everyone)
    return all_ids, np.append(begins[np.searchsorted(ids, all_ids)], len(owners))


def _one_if_equal(met: Ints, happened: Ints) -> Ints:
    return met if np.array_equal(met, happened) else happened


def _spread(starts: Ints, met: Ints) -> Ints:
    """The instants strictly increasing within each customer: the same array if they are already."""
    return met if rises(starts, met) else spread(starts, met)


def _moved(columns: Mapping[str, Column], order: Ints | None) -> Columns:
    if not columns or order is None:
        return Columns.of({name: _in_order(column, column.positions) for name, column in columns.items()})
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return Columns.of({name: _in_order(column, places[column.positions]) for name, column in columns.items()})


def _in_order(column: Column, positions: Ints) -> Column:
    """The column with its events at these positions instead, in tape order."""
    if (positions[1:] > positions[:-1]).all():
        return Column(positions, column.numbers, column.codes, column.texts)
    order = np.argsort(positions)
    return Column(positions[order], column.numbers[order], column.codes[order], column.texts)


def _one_vocabulary(first: Sequence[str], second: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """The names of both, the first's codes unchanged, and the new code of each of the second's."""
    codes = {name: code for code, name in enumerate(first)}
    for name in second:
        codes.setdefault(name, len(codes))
    return tuple(codes), np.array([codes[name] for name in second], np.int32)


def _scattered(
    places: Places, first: npt.NDArray[Scalar], second: npt.NDArray[Scalar]
) -> npt.NDArray[Scalar]:
    """Both arrays put where their events went; what only one tape has loaded is 0 in the other."""
    if not len(first) and not len(second):
        return first
    scattered = np.zeros(len(places[0]) + len(places[1]), first.dtype)
    for place, array in zip(places, (first, second), strict=True):
        if len(array):
            scattered[place] = array
    return scattered


def _joined(first: Columns, second: Columns, places: Places) -> Columns:
    def load(name: str) -> Column:
        one, two = first[name], second[name]
        texts, codes = _one_vocabulary(one.texts, two.texts)
        joined = Column(
            np.concatenate((places[0][one.positions], places[1][two.positions])),
            np.concatenate((one.numbers, two.numbers)),
            # A number's code -1 stays -1, as it finds the one that is put last.
            np.concatenate((one.codes, np.append(codes, np.int32(-1))[two.codes])),
            texts,
        )
        return _in_order(joined, joined.positions)

    return Columns(tuple(dict.fromkeys((*first, *second))), load)


def _one_after_another(arrays: Sequence[Ints], begins: Ints) -> Ints:
    """The arrays as one; what only some tapes have loaded is 0 in the others."""
    if not any(len(array) for array in arrays):
        return _NONE
    sizes = np.diff(begins).tolist()
    pairs = zip(arrays, sizes, strict=True)
    return np.concatenate([array if len(array) else np.zeros(size, np.int64) for array, size in pairs])


def _stacked(all_columns: Sequence[Columns], begins: Ints) -> Columns:
    def load(name: str) -> Column:
        columns = [columns[name] for columns in all_columns]
        texts = {
            text: code for code, text in enumerate(dict.fromkeys(t for one in columns for t in one.texts))
        }
        codes = [np.array([*(texts[text] for text in one.texts), -1], np.int32)[one.codes] for one in columns]
        return Column(
            np.concatenate([one.positions + begin for one, begin in zip(columns, begins[:-1], strict=True)]),
            np.concatenate([one.numbers for one in columns]),
            np.concatenate(codes),
            tuple(texts),
        )

    return Columns(tuple(dict.fromkeys(name for columns in all_columns for name in columns)), load)


def _taken(columns: Columns, events: Ints) -> Columns:
    def load(name: str) -> Column:
        column = columns[name]
        if not len(column.positions):
            return column
        places = np.minimum(np.searchsorted(column.positions, events), len(column.positions) - 1)
        carried = np.flatnonzero(column.positions[places] == events)
        codes, texts = _used(column.codes[places[carried]], column.texts)
        return Column(carried, column.numbers[places[carried]], codes, texts)

    return Columns(tuple(columns), load)


def _stretched(columns: Columns, low: int, high: int) -> Columns:
    def load(name: str) -> Column:
        column = columns[name]
        first, end = np.searchsorted(column.positions, (low, high))
        positions = column.positions[first:end] - low
        return Column(positions, column.numbers[first:end], column.codes[first:end], column.texts)

    return Columns(tuple(columns), load)


def _used(codes: Codes, texts: Sequence[str]) -> tuple[Codes, Sequence[str]]:
    """The codes and texts without the texts that no code is of, when those would be many."""
    if len(texts) <= 2 * len(codes) + 16:
        return codes, texts
    used = np.unique(codes[codes >= 0])
    shorter = np.searchsorted(used, codes).astype(np.int32)
    return np.where(codes < 0, np.int32(-1), shorter), tuple(texts[code] for code in used)
