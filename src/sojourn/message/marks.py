"""Reads off the tapes what was said to customers and what they said of it: the marks that policy asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.as_of import write_as_of
from sojourn.tape.memory import remembered
from sojourn.tape.selection import select
from sojourn.tape.tape import LONG_AGO, Bools, Codes, Column, Floats, Ints, Tape

Tapes = tuple[Tape, ...]

ANY = 0
"""The hash of a channel or purpose that a mark does not name: it speaks of all of them."""

FEW = 1_000
"""Texts of a column whose hashes are all worked out and kept, as those of channels; addresses are more."""


@dataclass(frozen=True, eq=False)
class Told:
    """p pairs of one of m questions and a mark of its customer, met at or before the question's instant."""

    questions: Ints  # int64[p], which of the m questions
    times: Ints  # int64[p], when it happened
    received: Ints  # int64[p]
    channels: Ints  # int64[p], hash of the channel's name; ANY
    asked: int  # m
    parts: tuple[tuple[Tape, Ints], ...]  # positions on each tape, one after the other p in all

    def __len__(self) -> int:
        return len(self.times)

    def text(self, name: str) -> Ints:
        """The marks' texts of a property as hashes, int64[p]; 0 where a mark has none."""
        return _joined([_hashes(tape.properties[name], at, hash_text) for tape, at in self.parts])

    def address(self) -> Ints:
        """The marks' addresses as `addresses` gives them, int64[p]."""
        return _joined([_hashes(tape.properties["address"], at, _normal) for tape, at in self.parts])

    def true(self, name: str) -> Bools:
        """Whether a property of the mark is true, bool[p]."""
        parts = [_numbers(tape.properties[name], at) == 1 for tape, at in self.parts]
        return np.concatenate(parts) if parts else np.empty(0, np.bool_)

    def latest(self, chosen: Bools) -> Ints:
        """When each question's last chosen mark (bool[p]) happened: int64[m], LONG_AGO if there is none."""
        found = np.full(self.asked, LONG_AGO)
        np.maximum.at(found, self.questions[chosen], self.times[chosen])
        return found

    def count(self, chosen: Bools) -> Ints:
        """How many of the chosen marks (bool[p]) each question has: int64[m]."""
        return np.bincount(self.questions[chosen], minlength=self.asked)


def told(tapes: Tapes, kinds: Sequence[str], rows: Ints, now: Ints) -> Told:
    """All marks of some kinds for the customers at `rows` (int64[m]) met at or before `now` (int64[m]).

    A kind is a name (`Consent Given`) or the end of one after a channel's (` Bounced`, of
    `Email Bounced`); the mark's property `channel` stands above the channel in its name.
    """
    pairs = [(tape, *_on_tape(tape, tuple(kinds), rows, now)) for tape in tapes]
    parts = tuple((tape, at) for tape, _, at in pairs if len(at))  # on most tapes there are none of a kind
    return Told(
        questions=_joined([questions for _, questions, _ in pairs]),
        times=_joined([tape.times[at] for tape, at in parts]),
        received=_joined([tape.received[at] for tape, at in parts]),
        channels=_joined([_channels(tape, at) for tape, at in parts]),
        asked=len(rows),
        parts=parts,
    )


def trait_as_of(tapes: Tapes, trait: str, rows: Ints, now: Ints) -> tuple[Codes, tuple[str, ...]]:
    """Each customer's text of a trait: codes int32[m], -1 where it is none, and what they stand for.

    The last write on any of the tapes wins.
    """
    codes, names = np.full(len(rows), -1, np.int32), tuple[str, ...]()
    latest = np.full(len(rows), LONG_AGO)
    for tape in tapes:
        column = tape.traits[trait]
        if not len(column.positions):
            continue
        found = write_as_of(tape, column, rows, now)
        times = np.where(found < 0, LONG_AGO, tape.times[column.positions[found]])
        newer = times > latest
        written = column.codes[found[newer]]
        codes[newer] = np.where(written < 0, -1, written + len(names))
        latest, names = np.maximum(latest, times), (*names, *column.texts)
    return codes, names


def addresses(codes: Codes, names: tuple[str, ...]) -> Ints:
    """Hashes of addresses as they are compared, whatever their case: int64[m], 0 where there is none."""
    distinct, places = np.unique(codes, return_inverse=True)
    hashes = [_normal(names[code]) if code >= 0 else 0 for code in distinct.tolist()]
    return np.array(hashes, np.int64)[places]


def channel_of(name: str) -> str:
    """The channel that a mark's name starts with: `email` of `Email Link Clicked`."""
    return name.partition(" ")[0].lower()


def _on_tape(tape: Tape, kinds: tuple[str, ...], rows: Ints, now: Ints) -> tuple[Ints, Ints]:
    """Pairs of a question and a position on the tape."""
    names = remembered(tape, ("names of kinds", kinds), lambda: _names(tape, kinds))
    if not names or not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    selection = remembered(tape, ("marks", names), lambda: select(tape, names))
    lows, highs = selection.starts[rows], selection.starts[rows + 1]
    questions = np.repeat(np.arange(len(rows)), highs - lows)
    shifts = np.repeat(lows - np.append(0, np.cumsum(highs - lows)[:-1]), highs - lows)
    index = np.arange(len(questions)) + shifts
    seen = selection.received[index] <= now[questions]
    return questions[seen], selection.positions[index[seen]]


def _names(tape: Tape, kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in tape.vocabulary if any(_is_kind(name, kind) for kind in kinds))


def _is_kind(name: str, kind: str) -> bool:
    return name.endswith(kind) if kind.startswith(" ") else name == kind


def _channels(tape: Tape, positions: Ints) -> Ints:
    named = _hashes(tape.properties["channel"], positions, hash_text)
    by_name = remembered(tape, "channels of names", lambda: _channels_of_names(tape.vocabulary))
    return np.where(named == ANY, by_name[tape.names[positions]], named)


def _channels_of_names(names: Sequence[str]) -> Ints:
    """The hash of the channel that each name tells, int64[names]; ANY where it tells none."""
    ends = (" Bounced", " Marked as Spam")
    hashes = [hash_text(channel_of(name)) if name.endswith(ends) else ANY for name in names]
    return np.array(hashes, np.int64)


def _hashes(column: Column, positions: Ints, hashed: Callable[[str], int]) -> Ints:
    """The hash of each event's text in a column, 0 where it has none or an empty one."""
    codes = np.full(len(positions), -1, np.int32)
    at, carries = _places(column, positions)
    codes[carries] = column.codes[at[carries]]
    if len(column.texts) <= FEW:
        return remembered(column, hashed, lambda: _hashed((*column.texts, ""), hashed))[codes]
    distinct, places = np.unique(codes, return_inverse=True)
    return _hashed([column.texts[code] if code >= 0 else "" for code in distinct.tolist()], hashed)[places]


def _hashed(texts: Sequence[str], hashed: Callable[[str], int]) -> Ints:
    return np.array([hashed(text) if text else 0 for text in texts], np.int64)


def _normal(address: str) -> int:
    return hash_text(address.strip().casefold())


def _numbers(column: Column, positions: Ints) -> Floats:
    at, carries = _places(column, positions)
    numbers = np.full(len(positions), np.nan)
    numbers[carries] = column.numbers[at[carries]]
    return numbers


def _places(column: Column, positions: Ints) -> tuple[Ints, Bools]:
    """Where in the column each event's value is, and whether it has one."""
    at = np.searchsorted(column.positions, positions)
    at = np.minimum(at, max(len(column.positions) - 1, 0))
    carries = column.positions[at] == positions if len(column.positions) else np.zeros(len(positions), bool)
    return at, carries


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
