"""Wall-clock arithmetic over columns of instants, each in its customer's own time zone.

Instants are int64 microseconds UTC, walls are int64 microseconds of local wall-clock time since
1970-01-01 00:00.  Every function takes `zone_codes` (int32[n], index into `zone_names`, -1 where
unknown) and a `fallback` zone for whoever has none or a name that is no zone.  A wall time that
the clock skips means the first valid instant after the gap, one that it shows twice means the
first of the two.  NEVER and LONG_AGO stay what they are.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from sojourn.errors import Invalid
from sojourn.tape.kernels.pieces import last_at_most
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Codes, Ints

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

FIRST_YEAR, LAST_YEAR = 1990, 2100  # outside of these a zone keeps the offset it has at the edge


def local(instants: Ints, zone_codes: Codes, zone_names: tuple[str, ...], fallback: str = "UTC") -> Ints:
    """What the customers' clocks show: int64[n] walls."""
    table = _table(zone_names, fallback)
    instants = np.asarray(instants, np.int64)
    walls = instants + table.offsets[table.pieces(instants, zone_codes, table.begins)]
    return _keep_sentinels(instants, walls)


def instant(walls: Ints, zone_codes: Codes, zone_names: tuple[str, ...], fallback: str = "UTC") -> Ints:
    """The first instant at which the clock shows the wall time or, if it skips it, a later one: int64[n]."""
    table = _table(zone_names, fallback)
    walls = np.asarray(walls, np.int64)
    pieces = table.pieces(walls, zone_codes, table.walls)
    return _keep_sentinels(walls, np.maximum(walls - table.offsets[pieces], table.begins[pieces]))


def next_change(
    instants: Ints, zone_codes: Codes, zone_names: tuple[str, ...], fallback: str = "UTC"
) -> Ints:
    """When the zone's offset from UTC changes next, after each instant: int64[n], NEVER if it does not."""
    table = _table(zone_names, fallback)
    return table.ends[table.pieces(np.asarray(instants, np.int64), zone_codes, table.begins)]


def add_calendar(
    instants: Ints,
    days: int | Ints,
    months: int | Ints,
    zone_codes: Codes,
    zone_names: tuple[str, ...],
    fallback: str = "UTC",
) -> Ints:
    """The same wall time so many months and days away: int64[n].

    Months come first and stop at the end of a shorter month (31 January + 1 month is the last of
    February).  Adding nothing is the same instant, also the second time that a clock shows it.
    """
    instants = np.asarray(instants, np.int64)
    walls = local(instants, zone_codes, zone_names, fallback)
    real = (instants != NEVER) & (instants != LONG_AGO)
    dates, of_day = np.divmod(np.where(real, walls, 0), DAY)
    moved = (_add_months(dates, months) + days) * DAY + of_day
    far = instant(moved, zone_codes, zone_names, fallback)
    still = (np.asarray(days) == 0) & (np.asarray(months) == 0)
    return np.where(still | ~real, instants, far)


def next_wall(
    instants: Ints,
    minute_of_day: int | Ints,
    weekdays: Collection[int] | None,
    zone_codes: Codes,
    zone_names: tuple[str, ...],
    fallback: str = "UTC",
) -> Ints:
    """The first instant, not before each, at which it is that minute of an allowed weekday: int64[n].

    `minute_of_day` is 0 to 1439; weekdays are 0 (Monday) to 6, None allows all.  On a day without
    that minute it is the first valid instant after the gap; a day that a zone skipped does not
    count; a minute shown twice counts once.  Raises Invalid for no weekday at all.
    """
    if weekdays is not None and not set(weekdays) & set(range(7)):
        raise Invalid("no weekday from 0 (Monday) to 6 is allowed")
    instants = np.asarray(instants, np.int64)
    minutes = np.broadcast_to(np.asarray(minute_of_day, np.int64), instants.shape)
    found = np.where(instants == LONG_AGO, LONG_AGO, NEVER)
    open_rows = np.flatnonzero((instants != NEVER) & (instants != LONG_AGO))
    dates = local(instants, zone_codes, zone_names, fallback) // DAY
    # A week and a day reach each weekday after today's minute; one week more covers a skipped day.
    for ahead in range(16):
        codes, date = zone_codes[open_rows], dates[open_rows] + ahead
        midnight = instant(date * DAY, codes, zone_names, fallback)
        exists = local(midnight, codes, zone_names, fallback) // DAY == date
        due = instant(date * DAY + minutes[open_rows] * MINUTE, codes, zone_names, fallback)
        hit = exists & (due >= instants[open_rows]) & _allowed(date, weekdays)
        found[open_rows[hit]] = due[hit]
        open_rows = open_rows[~hit]
        if not len(open_rows):
            break
    return found


def next_outside(
    instants: Ints,
    window: tuple[int, int],
    zone_codes: Codes,
    zone_names: tuple[str, ...],
    fallback: str = "UTC",
) -> Ints:
    """The first instant, not before each, at which the clock is outside a daily window: int64[n].

    `window` is from and to as minutes of the day, closed-open, over midnight when to < from, empty
    when they are equal.
    """
    found = np.array(instants, np.int64)
    starts, length = window[0] * MINUTE, (window[1] - window[0]) * MINUTE % DAY
    rows = np.flatnonzero((found != NEVER) & (found != LONG_AGO))
    while len(rows):
        now, codes = found[rows], zone_codes[rows]
        since = (local(now, codes, zone_names, fallback) - starts) % DAY
        shut = since < length
        rows, now, codes, since = rows[shut], now[shut], codes[shut], since[shut]
        found[rows] = np.minimum(now + length - since, next_change(now, codes, zone_names, fallback))
    return found


@cache
def known_zones() -> frozenset[str]:
    """The names of all zones of the IANA database that comes with Sojourn."""
    return frozenset(importlib.resources.files("tzdata").joinpath("zones").read_text().split())


def meant(name: str) -> str | None:
    """The zone that a trait's text means, if any; people and forms are careless about case and blanks."""
    if name in known_zones():
        return name
    return _folded_zones().get(name.strip().replace(" ", "_").casefold()) if len(name) < 64 else None


@dataclass(frozen=True)
class _Table:
    """The pieces of constant offset of several zones, one zone after the other (p pieces in all)."""

    slots: Codes  # int32[names + 1], which zone a name means; the last is the fallback
    starts: Ints  # int64[zones + 1], the pieces of a zone
    begins: Ints  # int64[p], the instant at which the piece begins, LONG_AGO for a zone's first
    ends: Ints  # int64[p], the instant at which it ends, NEVER for a zone's last
    walls: Ints  # int64[p], the wall time from which this piece is the first to show it or a later one
    offsets: Ints  # int64[p], microseconds to add to UTC

    def pieces(self, values: Ints, zone_codes: Codes, bounds: Ints) -> Ints:
        slots = self.slots[np.broadcast_to(zone_codes, values.shape)]
        return last_at_most(np.ascontiguousarray(values), slots, self.starts, bounds)


@lru_cache(maxsize=64)
def _table(zone_names: tuple[str, ...], fallback: str) -> _Table:
    if fallback not in known_zones():
        raise Invalid(f"{fallback!r} is no time zone; write it as in Europe/Berlin", place="fallback_zone")
    names = [meant(name) or fallback for name in (*zone_names, fallback)]
    zones = sorted(set(names))
    slots = np.array([zones.index(name) for name in names], np.int32)
    pieces = [_pieces_of(zone) for zone in zones]
    starts = np.cumsum([0, *(len(begins) for begins, _ in pieces)])
    begins = np.concatenate([begins for begins, _ in pieces])
    offsets = np.concatenate([offsets for _, offsets in pieces])
    first = np.zeros(len(begins), bool)
    first[starts[:-1]] = True
    ends = np.where(np.roll(first, -1), NEVER, np.roll(begins, -1))
    walls = np.where(first, LONG_AGO, begins + np.roll(offsets, 1))
    return _Table(slots, starts, begins, ends, walls, offsets)


@cache
def _folded_zones() -> dict[str, str]:
    return {name.casefold(): name for name in known_zones()}


@cache
def _pieces_of(name: str) -> tuple[Ints, Ints]:
    """When each piece of constant offset begins and which offset it has (int64[k] twice)."""
    zone = _load(name)
    changes = list(_changes(zone))
    begins = np.array([LONG_AGO, *(second * SECOND for second in changes)], np.int64)
    firsts = [_edge(FIRST_YEAR), *changes]
    return begins, np.array([_offset(zone, second) * SECOND for second in firsts], np.int64)


def _load(name: str) -> ZoneInfo:
    # From the package, not from the machine: all workers of an installation must agree.
    path = importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _changes(zone: ZoneInfo) -> Iterator[int]:
    """The seconds at which the zone's offset changes, found by halving the stretches across which it does."""
    step = 6 * 86_400  # no zone keeps an offset for less than a week between 1990 and 2100
    seconds = range(_edge(FIRST_YEAR), _edge(LAST_YEAR + 1), step)
    offsets = [_offset(zone, second) for second in seconds]
    for before, old, new in zip(seconds, offsets, offsets[1:], strict=False):
        low, high = before, before + step
        while old != new and high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == old else (low, middle)
        if old != new:
            yield high


def _edge(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _keep_sentinels(given: Ints, answers: Ints) -> Ints:
    return np.where((given == NEVER) | (given == LONG_AGO), given, answers)


def _add_months(dates: Ints, months: int | Ints) -> Ints:
    """Days since 1970 of the same day of another month, at most that month's last."""
    dated = dates.astype("datetime64[D]")
    month = dated.astype("datetime64[M]")
    of_month = (dated - month.astype("datetime64[D]")).astype(np.int64)
    target = month + np.asarray(months, np.int64).astype("timedelta64[M]")
    first: Ints = target.astype("datetime64[D]").astype(np.int64)
    length = (target + 1).astype("datetime64[D]").astype(np.int64) - first
    within: Ints = np.minimum(of_month, length - 1)
    return first + within


def _allowed(dates: Ints, weekdays: Collection[int] | None) -> Bools:
    if weekdays is None:
        return np.ones(len(dates), bool)
    return np.isin((dates + 3) % 7, list(weekdays))  # 1970-01-01 was a Thursday
