"""Traits: what is known of customers as of an instant, for pages and for messages."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sojourn.rule.cohort import Cohort
from sojourn.rule.picks import traits
from sojourn.tape.tape import Ints, Tape

Value = str | int | float


def profiles(
    tapes: tuple[Tape, ...], rows: Ints, now: Ints, names: Iterable[str] | None = None
) -> tuple[dict[str, Value], ...]:
    """The traits of the customers at these rows (int64[m]) as known at `now` (int64[m], microseconds
    UTC): of each m the last value written of every trait, or of those named, that it has."""
    wanted = dict.fromkeys(name for tape in tapes for name in tape.traits) if names is None else tuple(names)
    found: tuple[dict[str, Value], ...] = tuple({} for _ in range(len(rows)))
    cohort = Cohort(tapes, rows, now)
    for name in wanted:
        for part in traits(cohort, name):
            for place in np.flatnonzero(part.known).tolist():
                code = part.codes[place]
                text = part.column.texts[code] if code >= 0 else None
                found[place][name] = _number(float(part.numbers[place])) if text is None else text
    return found


def _number(number: float) -> int | float:
    return int(number) if number.is_integer() else number
