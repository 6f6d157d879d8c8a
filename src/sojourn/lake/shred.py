"""Shreds JSON objects into typed columns: of a name one column of its numbers and one of its texts.

`p.amount#n` holds the numbers of the property `amount` (true and false are 1 and 0), `p.plan#t` the
texts of `plan`, `t.…` those of traits.  Where both are null the event does not carry the name; a
number that is NaN is a trait taken away.  Names past the commonest stay in the JSON texts alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from sojourn.errors import BrokenInvariant
from sojourn.tape.tape import Codes, Column, Columns

TEXTS_OF = {"p.": "properties", "t.": "traits"}
"""The column of JSON texts of each kind of name."""

NUMBERS, TEXTS = "#n", "#t"

MOST_NAMES = 128
"""Names of a kind that a segment shreds: a row group of 65,536 rows then takes 260 MB at the worst."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass
class _Values:
    """The values of one name among distinct texts: of which text, and what."""

    number_rows: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    text_rows: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shredded:
    """Typed columns by column name, and the names (`p.amount`) that rows carry but no column holds."""

    columns: dict[str, pa.Array]
    rest: tuple[str, ...]


def shredded(texts: pa.Array, kind: str, only: str | None = None) -> Shredded:
    """The typed columns of n JSON objects: those of one name, or of the commonest.

    Each distinct text is read once, as most events carry what others carried before them.
    Raises BrokenInvariant where a text is no JSON object.
    """
    encoded = texts.dictionary_encode()
    codes: Codes = encoded.indices.to_numpy(zero_copy_only=False)
    found = _read(encoded.dictionary.to_pylist())
    chosen = found.keys() & {only} if only is not None else _commonest(found, codes)
    columns = {
        f"{kind}{name}{ending}": column
        for name in sorted(chosen)
        for ending, column in _columns(found[name], codes, len(encoded.dictionary))
    }
    return Shredded(columns, tuple(f"{kind}{name}" for name in found if name not in chosen))


def carried(texts: Sequence[str]) -> Columns:
    """What n events carry by their JSON objects ('' is none), each column made when first asked for."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.fromiter(map(distinct.__getitem__, texts), np.int32, len(texts))
    found = _read(distinct)
    return Columns(tuple(found), lambda name: _column(found[name], codes, len(distinct)))


def typed(columns: Iterable[str]) -> list[str]:
    """The names (`p.amount`) that have a typed column among these columns, each once."""
    ends = (NUMBERS, TEXTS)
    return list(dict.fromkeys(column[: -len(NUMBERS)] for column in columns if column.endswith(ends)))


def _read(texts: Iterable[str]) -> dict[str, _Values]:
    """The values of each name that distinct texts carry."""
    found: dict[str, _Values] = {}
    for row, text in enumerate(texts):
        if text not in ("{}", ""):
            _take(text, row, found)
    return found


def _take(text: str, row: int, found: dict[str, _Values]) -> None:
    try:
        objects = _decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BrokenInvariant(f"an event holds what is no JSON object: {text[:100]}") from error
    for name, value in objects.items():
        values = found.get(name) or found.setdefault(name, _Values())
        if isinstance(value, str):
            values.text_rows.append(row)
            values.texts.append(value)
        elif isinstance(value, list | dict):
            values.text_rows.append(row)
            values.texts.append(msgspec.json.encode(value).decode())
        else:
            values.number_rows.append(row)
            values.numbers.append(_number(value))


def _number(value: float | None) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf if value and value > 0 else -math.inf


def _commonest(found: dict[str, _Values], codes: Codes) -> set[str]:
    if len(found) <= MOST_NAMES:
        return set(found)
    often = np.bincount(codes)
    uses = {
        name: int(often[values.number_rows].sum() + often[values.text_rows].sum())
        for name, values in found.items()
    }
    return set(sorted(uses, key=lambda name: (-uses[name], name))[:MOST_NAMES])


def _columns(values: _Values, codes: Codes, distinct: int) -> Iterator[tuple[str, pa.Array]]:
    if values.numbers:
        numbers, there = np.zeros(distinct), np.zeros(distinct, np.bool_)
        numbers[values.number_rows], there[values.number_rows] = values.numbers, True
        yield NUMBERS, pa.array(numbers[codes], mask=~there[codes], from_pandas=False)
    if values.texts:
        words = pa.array(values.texts, pa.string()).dictionary_encode()
        places = np.full(distinct, -1, np.int32)
        places[values.text_rows] = words.indices.to_numpy(zero_copy_only=False)
        of_rows = places[codes]
        yield TEXTS, pa.DictionaryArray.from_arrays(pa.array(of_rows, mask=of_rows < 0), words.dictionary)


def _column(values: _Values, codes: Codes, distinct: int) -> Column:
    words = {text: code for code, text in enumerate(dict.fromkeys(values.texts))}
    numbers, places = np.full(distinct, np.nan), np.full(distinct, -1, np.int32)
    numbers[values.number_rows] = values.numbers
    places[values.text_rows] = [words[text] for text in values.texts]
    there = np.zeros(distinct, np.bool_)
    there[values.number_rows] = there[values.text_rows] = True
    positions = np.flatnonzero(there[codes])
    return Column(positions, numbers[codes[positions]], places[codes[positions]], tuple(words))
