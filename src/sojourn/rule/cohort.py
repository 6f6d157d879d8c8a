"""A cohort: the batch of customers that a rule is asked about, each at an instant of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sojourn.rule.definition import Rule
from sojourn.rule.standing.named import Named
from sojourn.tape.tape import Ints, Tape


@dataclass(frozen=True, eq=False)
class Cohort:
    """m askings: row i asks about the customer at `rows[i]` of the tapes, as known at `now[i]`.

    The tapes are read as one; all have the same customers.  What stands below `segments` is known
    inside of a journey only: without it, what a rule asks about the run is false.  Where rules may ask
    for scores or stages, too, `segments` is a `Named`.
    """

    tapes: tuple[Tape, ...]
    rows: Ints  # int64[m], index of the customer on the tapes
    now: Ints  # int64[m], microseconds UTC
    segments: Mapping[str, Rule] = field(default_factory=dict)
    journey: str = ""
    runs: Ints | None = None  # int64[m], ids
    since: Ints | None = None  # int64[m], when the run entered, microseconds UTC
    entries: Ints | None = None  # int64[m], key of the entering event, on whichever tape it is
    zone: str = "UTC"  # in which dates without a zone are read

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Ints) -> Cohort:
        """Only the askings at these places, int64[k]."""
        return replace(
            self,
            rows=self.rows[which],
            now=self.now[which],
            runs=None if self.runs is None else self.runs[which],
            since=None if self.since is None else self.since[which],
            entries=None if self.entries is None else self.entries[which],
        )

    def within(self, segment: str) -> Cohort:
        """The same askings for the rule of a segment: about no run, and never about that segment again."""
        return self._outside(Named.of(self.segments).without(segment=segment))

    def within_score(self, score: str) -> Cohort:
        """The same askings for the rules of a score: about no run, and never about that score again."""
        return self._outside(Named.of(self.segments).without(score=score))

    def _outside(self, named: Named) -> Cohort:
        return Cohort(self.tapes, self.rows, self.now, named, zone=self.zone)
