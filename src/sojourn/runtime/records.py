"""Turns rows of the log into rows of the lake and into tapes: store and lake are strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sojourn.lake.rows import Rows
from sojourn.lake.shred import carried
from sojourn.store.log import Logged
from sojourn.store.names import Names
from sojourn.tape.build import build
from sojourn.tape.distinct import distinct
from sojourn.tape.tape import Tape


def lake_rows(logged: Logged, names: Names) -> Rows:
    """The rows of the log as the lake takes them."""
    known = names.names(logged.names)
    return Rows(
        subject=logged.subjects,
        happened=logged.happened,
        received=logged.received,
        position=logged.positions,
        key=logged.keys,
        run=logged.runs,
        name=[known.get(code, "") for code in logged.names.tolist()],
        origin=logged.origins,
        properties=logged.properties,
        traits=logged.traits,
    )


def tapes_of_log(names: Names) -> Callable[[Logged], Tape]:
    """What makes a tape, by subject, of rows of the log: the same as the lake makes of an unsealed tail."""
    return lambda logged: _tape(_in_order(logged), names)


def _in_order(logged: Logged) -> Logged:
    return logged.take(np.lexsort((logged.positions, logged.received, logged.subjects)))


def _tape(logged: Logged, names: Names) -> Tape:
    codes = distinct(logged.names)
    known = names.names(codes)
    tape = build(
        customers=logged.subjects,
        times=logged.happened,
        received=logged.received,
        names=np.searchsorted(codes, logged.names).astype(np.int32),
        vocabulary=[known.get(code, f"#{code}") for code in codes.tolist()],
        keys=logged.keys,
        runs=logged.runs,
    )
    return replace(tape, properties=carried(logged.properties), traits=carried(logged.traits))
