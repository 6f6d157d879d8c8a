"""Merging: which subjects make up one customer, decided from all links between them whatever their order.

Links are tried in order of (standing, happened, key), as in Kruskal's spanning forest, and one is
left out if it would join two known users or give a user too many identities of a kind.  The answer
depends on the set of links alone, so the order of arrival does not matter, and taking a link away
takes its merge back.  A customer is named by the smallest of its subjects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sojourn.customer.identity import USER_ID, IdentityRules, Links, Standing
from sojourn.tape.tape import Bools, Ints

MOST_LINKS = 1000
"""Links remembered in one kin: past it a link that joins nothing is forgotten, so that one id that
a broken client gives to everybody costs the same however many use it."""

Pair = tuple[int, int]
Row = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Known:
    """What is known of some kins, all of each; a kin is whatever links connect, even one left out."""

    subjects: Ints  # int64[k], strictly increasing
    kinds: tuple[str, ...]  # k, the kind of each subject's identity
    customers: Ints  # int64[k]
    kins: Ints  # int64[k], named by their smallest subject
    links: Links
    born: Bools  # bool[k], created for this very batch: no customer ends or comes back with them


@dataclass(frozen=True)
class Merge:
    """Customer `merged` is no more: all it was is now `kept`'s."""

    kept: int
    merged: int
    reason: str


@dataclass(frozen=True)
class Resolution:
    """What to write: links to insert or replace, and subjects whose customer or kin is another now."""

    links: Links
    subjects: Ints  # int64[m], strictly increasing
    customers: Ints  # int64[m], the new customer of each
    before: Ints  # int64[m], the customer that it had
    kins: Ints  # int64[m]
    merges: tuple[Merge, ...]
    splits: Ints  # int64[s], customers that are there again


def news(links: Links, remembered: Links) -> Links:
    """Those of these links that change what is remembered of their pairs (both by `Links.between`)."""
    known = {row[:2]: row for row in remembered.rows()}
    found: dict[Pair, Row] = {}
    for link in links.rows():
        before = found.get(link[:2]) or known.get(link[:2])
        after = _combined(before, link) if before else link
        if after != before and link[0] != link[1]:
            found[link[:2]] = after
    return Links.of(found.values())


def resolve(fresh: Links, known: Known, rules: IdentityRules | None = None) -> Resolution:
    """Who is who once `fresh` (from `news`, or by hand) stands beside what is known of its kins."""
    rules = rules or IdentityRules()
    place = {subject: i for i, subject in enumerate(known.subjects.tolist())}
    rows = {row[:2]: row for row in (*known.links.rows(), *fresh.rows())}
    joined, reasons, lasting = _Forest(known.kinds), dict[int, str](), set[Pair]()
    for row in sorted(rows.values(), key=lambda row: (row[4], *row[2:4], *row[:2])):
        left, right = place[row[0]], place[row[1]]
        if row[4] != Standing.CUT and joined.fits(left, right, row[4], rules):
            lasting.add(row[:2])
            _note(reasons, row, (left, right), known)
            joined.join(left, right)
    links, kin = _remember(fresh, known, lasting, place)
    customers, kins = (known.subjects[forest.roots()] for forest in (joined, kin))
    return _resolution(links, known, customers, kins, reasons)


def split(subjects: Ints, known: Known) -> Links:
    """The links to give `resolve` so that these subjects leave the customer they are part of."""
    inside = np.isin(known.links.left, subjects) != np.isin(known.links.right, subjects)
    return Links.of(
        (*row[:4], int(Standing.CUT)) for row, cut in zip(known.links.rows(), inside, strict=True) if cut
    )


def _combined(before: Row, link: Row) -> Row:
    """A cut stays; else the firmer standing and the earlier instant."""
    if before[4] == Standing.CUT:
        return before
    happened, key = min(before[2:4], link[2:4])
    return (before[0], before[1], happened, key, min(before[4], link[4]))


class _Forest:
    """Sets of places that have been joined, each with what it holds of every kind."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._parents = list(range(len(kinds)))
        self._holds = [Counter((kind,)) for kind in kinds]
        self._links = [0] * len(kinds)

    def root(self, place: int) -> int:
        while self._parents[place] != place:
            self._parents[place] = self._parents[self._parents[place]]
            place = self._parents[place]
        return place

    def roots(self) -> list[int]:
        return [self.root(place) for place in range(len(self._parents))]

    def links(self, *places: int) -> int:
        return sum(self._links[root] for root in {self.root(place) for place in places})

    def fits(self, left: int, right: int, standing: int, rules: IdentityRules) -> bool:
        """Whether the two may be one customer; what is certain is beyond limits, and users that it
        joined may hold as much as each could alone."""
        one, other = self._holds[self.root(left)], self._holds[self.root(right)]
        if standing == Standing.CERTAIN or one is other:
            return True
        users = one[USER_ID] + other[USER_ID]
        if one[USER_ID] and other[USER_ID] and users > rules.limit(USER_ID):
            return False
        kinds = (one.keys() | other.keys()) - {USER_ID}
        return all(one[kind] + other[kind] <= rules.limit(kind) * max(1, users) for kind in kinds)

    def join(self, left: int, right: int) -> None:
        """The smaller place becomes the root, so that a set is named by its smallest subject."""
        kept, merged = sorted((self.root(left), self.root(right)))
        self._links[kept] += 1
        if kept != merged:
            self._parents[merged] = kept
            self._holds[kept] += self._holds[merged]
            self._links[kept] += self._links[merged]


def _note(reasons: dict[int, str], row: Row, places: tuple[int, int], known: Known) -> None:
    """For each customer of before, the first link that joins it to another."""
    left, right = (int(known.customers[place]) for place in places)
    if left != right:
        said = "said to be" if row[4] == Standing.CERTAIN else "seen with"
        reason = f"{known.kinds[places[0]]} {said} {known.kinds[places[1]]}"
        reasons.setdefault(left, reason)
        reasons.setdefault(right, reason)


def _remember(fresh: Links, known: Known, lasting: set[Pair], place: dict[int, int]) -> tuple[Links, _Forest]:
    """The fresh links to keep, and the kins that they make with the links known already."""
    kin, kept = _Forest(known.kinds), list[Row]()
    needed = lasting | {row[:2] for row in known.links.rows()}
    needed |= {row[:2] for row in fresh.rows() if row[4] != Standing.CLAIMED}
    for row in known.links.rows():
        kin.join(place[row[0]], place[row[1]])
    for row in sorted(fresh.rows(), key=lambda row: row[:2] not in needed):
        left, right = place[row[0]], place[row[1]]
        if row[:2] in needed or kin.links(left, right) < MOST_LINKS:
            kin.join(left, right)
            kept.append(row)
    return Links.of(kept), kin


def _resolution(
    links: Links, known: Known, customers: Ints, kins: Ints, reasons: dict[int, str]
) -> Resolution:
    changed = np.flatnonzero((customers != known.customers) | (kins != known.kins))
    subjects, after, before = known.subjects[changed], customers[changed], known.customers[changed]
    met = ~known.born[changed]
    ended = met & (before == subjects) & (after != subjects)
    begun = met & (after == subjects) & (before != subjects)
    merges = tuple(_merges(subjects[ended], after[ended], reasons))
    return Resolution(links, subjects, after, before, kins[changed], merges, subjects[begun])


def _merges(merged: Ints, kept: Ints, reasons: dict[int, str]) -> Iterator[Merge]:
    for gone, stays in zip(merged.tolist(), kept.tolist(), strict=True):
        yield Merge(stays, gone, reasons.get(gone, "a link was cut"))
