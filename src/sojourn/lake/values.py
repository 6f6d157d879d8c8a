"""Reads properties and traits of a tape when they are first asked for, from the sources of its events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sojourn.lake.layout import Layout
from sojourn.lake.shred import NUMBERS, TEXTS, typed
from sojourn.lake.source import Source, values
from sojourn.tape.tape import Codes, Column, Columns, Floats, Ints

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
    texts: dict[str, int] = {}
    parts = [(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int32))]
    for piece in layout.pieces:
        found = values(piece.source, piece.group, name)
        if found:
            taken = {ending: piece.taken(column) for ending, column in found.items()}
            rows, numbers, words = _part(taken, texts)
            parts.append((_moved(piece.place(rows), moves), numbers, words))
    positions = np.concatenate([part[0] for part in parts])
    numbers = np.concatenate([part[1] for part in parts])
    return _ordered(Column(positions, numbers, np.concatenate([part[2] for part in parts]), tuple(texts)))


def _part(found: dict[str, pa.ChunkedArray], texts: dict[str, int]) -> tuple[Ints, Floats, Codes]:
    """The rows that carry a value, their numbers and their codes among the texts, which grow."""
    there = [column.is_valid().to_numpy() for column in found.values()]
    rows = np.flatnonzero(np.logical_or.reduce(there))
    numbers, words = np.full(len(rows), np.nan), np.full(len(rows), -1, np.int32)
    if NUMBERS in found:
        numbers = found[NUMBERS].to_numpy()[rows]
    if TEXTS in found:
        words = codes(found[TEXTS], texts)[rows]
    return rows, numbers, words


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
