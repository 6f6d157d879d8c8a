"""A tape as metrics read it: events in the order in which they happened, names that must be known."""

from __future__ import annotations

import difflib

from sojourn.errors import Invalid
from sojourn.tape.kernels.order import by_happened
from sojourn.tape.tape import Codes, Ints, Tape

_DAY = 86_400_000_000


def happened(tape: Tape) -> tuple[Ints, Codes]:
    """The times and names of all events, in the order (customer, time, position)."""
    if not tape.late:
        return tape.times, tape.names
    order = by_happened(tape.starts, tape.times)
    return tape.times[order], tape.names[order]


def code_of(tape: Tape, name: str, place: str) -> int:
    """The code of the event's name; raises Invalid, naming close matches, if it was never seen."""
    if name not in tape.codes:
        close = difflib.get_close_matches(name, tape.vocabulary, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise Invalid(f"no event named {name!r} was ever seen{hint}", place=place)
    return tape.codes[name]


def first_and_last_day(starts: Ints, times: Ints) -> tuple[int, int]:
    """The days (UTC, since 1970) of the first and the last of events that stand as they happened.

    Of no events, day 0 twice.
    """
    held = starts[1:] > starts[:-1]
    if not held.any():
        return 0, 0
    first, last = times[starts[:-1][held]].min(), times[starts[1:][held] - 1].max()
    return int(first) // _DAY, int(last) // _DAY
