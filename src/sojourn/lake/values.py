"""Reads properties and traits of a tape when they are first asked for, from the sources of its events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sojourn.lake.layout import Layout
from sojourn.lake.rows import NAMES
from sojourn.lake.shred import NUMBERS, TEXTS, typed
from sojourn.lake.source import Source, values
from sojourn.tape.tape import Codes, Column, Columns, Ints
from sojourn.tape.texts import MANY, Texts

Moves = tuple[Ints, Ints]


def columns(layout: Layout, moves: Moves, sources: Sequence[Source], kind: str) -> Columns:
    """The properties (`p.`) or traits (`t.`) of the events laid out; `moves` says from which place to
    which events were moved after they had been laid out."""
    every = (name for source in sources for name in (*typed(source.schema.names), *source.rest))
    names = dict.fromkeys(name[len(kind) :] for name in every if name.startswith(kind))
    return Columns(tuple(names), lambda name: _column(layout, moves, f"{kind}{name}"))


def codes(column: pa.ChunkedArray, vocabulary: dict[str, int]) -> Codes:
    """The texts of a dictionary column as codes of one vocabulary, which grows; null is -1."""
    found = np.empty(len(column), np.int32)
    at = 0
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        known = np.array([*(vocabulary.setdefault(word, len(vocabulary)) for word in words), -1], np.int32)
        found[at : at + len(chunk)] = known[chunk.indices.fill_null(len(words)).to_numpy()]
        at += len(chunk)
    return found


def _column(layout: Layout, moves: Moves, name: str) -> Column:
    positions, numbers = [np.empty(0, np.int64)], [np.empty(0)]
    words: list[pa.Array] = []
    for piece in layout.pieces:
        found = values(piece.source, piece.group, name)
        if found:
            taken = {ending: piece.taken(column) for ending, column in found.items()}
            rows = _carrying(taken)
            positions.append(_moved(piece.place(rows), moves))
            numbers.append(
                taken[NUMBERS].to_numpy()[rows] if NUMBERS in taken else np.full(len(rows), np.nan)
            )
            words += taken[TEXTS].take(pa.array(rows)).chunks if TEXTS in taken else [_no_text(len(rows))]
    codes, texts = _one_dictionary(words)
    return _ordered(Column(np.concatenate(positions), np.concatenate(numbers), codes, texts))


def _carrying(found: dict[str, pa.ChunkedArray]) -> Ints:
    """The rows that carry a value, be it a number or a text."""
    return np.flatnonzero(np.logical_or.reduce([column.is_valid().to_numpy() for column in found.values()]))


def _no_text(n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.nulls(n, pa.int32()), pa.array([], pa.string()))


def _one_dictionary(words: list[pa.Array]) -> tuple[Codes, Sequence[str]]:
    """The texts of dictionary arrays as codes of one, -1 where there is none; and its texts."""
    if not words:
        return np.empty(0, np.int32), ()
    together = pa.chunked_array(words, NAMES).unify_dictionaries()
    codes = [chunk.indices.fill_null(-1).to_numpy() for chunk in together.chunks]
    distinct = together.chunk(0).dictionary
    return np.concatenate(codes), _texts(distinct) if len(distinct) >= MANY else tuple(distinct.to_pylist())


def _texts(distinct: pa.StringArray) -> Texts:
    _, ends, data = distinct.buffers()
    mine = slice(distinct.offset, distinct.offset + len(distinct) + 1)
    return Texts(memoryview(data), np.frombuffer(ends, np.int32)[mine])


def _moved(positions: Ints, moves: Moves) -> Ints:
    before, after = moves
    if not len(before):
        return positions
    found = np.minimum(np.searchsorted(before, positions), len(before) - 1)
    return np.where(before[found] == positions, after[found], positions)


def _ordered(column: Column) -> Column:
    if (column.positions[1:] > column.positions[:-1]).all():
        return column
    order = np.argsort(column.positions)
    return Column(column.positions[order], column.numbers[order], column.codes[order], column.texts)
