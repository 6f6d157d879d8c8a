"""Wall-clock arithmetic agrees with zoneinfo, and with promise P14 where clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.tape import zones
from sojourn.tape.tape import LONG_AGO, NEVER, Codes, Ints

HARD = (
    "Asia/Gaza",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Antarctica/Troll",
)
# A spread of zones, not all: the tables of 600 zones take three seconds to read.
NAMES = (
    *HARD,
    "America/Scoresbysund",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    *sorted(zones.known_zones())[::25],
)
EPOCH = datetime(1970, 1, 1)
HOUR = 60 * zones.MINUTE


def wall(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


utc = wall  # the same digits, read in UTC


def one(value: int) -> Ints:
    return np.array([value], np.int64)


ZERO: Codes = np.zeros(1, np.int32)

instants = st.integers(utc("1990-01-02"), utc("2100-12-30"))
walls = st.integers(wall("1990-01-02"), wall("2100-12-30"))
rows = st.lists(st.tuples(instants, st.integers(0, len(NAMES) - 1)), min_size=1, max_size=20)


def python_local(value: int, name: str) -> int:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)
    shown = moment.astimezone(zones._load(name)).replace(tzinfo=None)
    return (shown - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone", "shown", "expected"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),  # gap
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"),  # overlap: the first of two
        ("America/New_York", "2027-03-14 02:30", "2027-03-14 07:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),  # a gap of 30 minutes
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"),  # a day that was skipped
        ("Africa/Casablanca", "2026-02-15 02:30", "2026-02-15 01:30"),  # the clock goes back for Ramadan
        ("Africa/Casablanca", "2027-02-07 02:30", "2027-02-07 02:30"),  # no more, since tzdata 2026f
        ("Africa/Cairo", "2026-04-24 00:30", "2026-04-23 22:00"),  # gaps at midnight
        ("Asia/Beirut", "2026-03-29 00:30", "2026-03-28 22:00"),
        ("America/Sao_Paulo", "2018-11-04 00:30", "2018-11-04 03:00"),
    ],
)
def test_measured_cases(zone: str, shown: str, expected: str) -> None:
    assert zones.instant(one(wall(shown)), ZERO, (zone,)).tolist() == [utc(expected)]


def test_a_day_is_not_24_hours() -> None:
    berlin, start = ("Europe/Berlin",), one(utc("2026-03-28 08:00"))  # 09:00 local, before the jump
    assert zones.add_calendar(start, 1, 0, ZERO, berlin).tolist() == [utc("2026-03-29 07:00")]
    assert zones.local(start + 24 * HOUR, ZERO, berlin).tolist() == [wall("2026-03-29 10:00")]


def test_months_stop_at_the_end_of_a_shorter_month() -> None:
    start = one(utc("2028-01-31 12:00"))
    for months, expected in ((1, "2028-02-29"), (2, "2028-03-31"), (-11, "2027-02-28"), (12, "2029-01-31")):
        assert zones.add_calendar(start, 0, months, ZERO, ("UTC",)).tolist() == [utc(f"{expected} 12:00")]


@given(rows)
def test_local_is_what_zoneinfo_says(cases: list[tuple[int, int]]) -> None:
    given_instants, codes = (np.array(column) for column in zip(*cases, strict=True))
    shown = zones.local(given_instants, codes.astype(np.int32), NAMES)
    assert shown.tolist() == [python_local(value, NAMES[code]) for value, code in cases]


@given(walls, st.integers(0, len(NAMES) - 1))
def test_instant_is_the_first_that_shows_the_wall_time_or_later(shown: int, code: int) -> None:
    name = NAMES[code]
    found = int(zones.instant(one(shown), ZERO, (name,))[0])
    naive = EPOCH + timedelta(microseconds=shown)
    zone, start = zones._load(name), datetime.fromtimestamp(0, UTC)
    folds = [(naive.replace(tzinfo=zone, fold=fold) - start) // timedelta(microseconds=1) for fold in (0, 1)]
    valid = [value for value in folds if python_local(value, name) == shown]
    if valid:
        assert found == min(valid)
    else:  # a gap: the instant at which the clock jumps over the wall time
        assert python_local(found - 1, name) < shown < python_local(found, name)


@given(instants, st.integers(0, len(NAMES) - 1), st.integers(-40, 40), st.integers(-14, 14))
def test_adding_keeps_the_wall_time_unless_it_is_skipped(
    value: int, code: int, days: int, months: int
) -> None:
    zone = (NAMES[code],)
    later = zones.add_calendar(one(value), days, months, ZERO, zone)
    shown, before = zones.local(later, ZERO, zone)[0], zones.local(one(value), ZERO, zone)[0]
    kept = shown % zones.DAY == before % zones.DAY
    jumped = zones.local(later - 1, ZERO, zone)[0] + 1 != shown
    assert kept or jumped
    if months == 0 and kept:
        assert shown - before == days * zones.DAY


@given(instants, st.integers(0, len(NAMES) - 1), st.integers(0, 1439), st.sets(st.integers(0, 6), min_size=1))
def test_next_wall_is_the_first_allowed_one(value: int, code: int, minute: int, weekdays: set[int]) -> None:
    zone = (NAMES[code],)
    found = zones.next_wall(one(value), minute, weekdays, ZERO, zone)
    today = int(zones.local(one(value), ZERO, zone)[0]) // zones.DAY
    dates = np.arange(today - 1, today + 16)
    codes = np.zeros(len(dates), np.int32)
    exists = zones.local(zones.instant(dates * zones.DAY, codes, zone), codes, zone) // zones.DAY == dates
    allowed = np.isin((dates + 3) % 7, list(weekdays)) & exists
    candidates = zones.instant(dates * zones.DAY + minute * zones.MINUTE, codes, zone)[allowed]
    assert found[0] == candidates[candidates >= value].min()


def test_next_wall_in_the_table_of_jumps() -> None:
    def berlin(start: str, minute: int) -> list[int]:
        return list(zones.next_wall(one(utc(start)), minute, None, ZERO, ("Europe/Berlin",)))

    assert berlin("2026-03-28 12:00", 150) == [utc("2026-03-29 01:00")]  # 02:30 does not exist
    assert berlin("2026-10-24 12:00", 150) == [utc("2026-10-25 00:30")]  # 02:30 exists twice
    assert berlin("2026-10-25 00:45", 150) == [utc("2026-10-26 01:30")]  # and counts once
    apia = zones.next_wall(one(utc("2011-12-29 20:00")), 540, {4}, ZERO, ("Pacific/Apia",))
    assert zones.local(apia, ZERO, ("Pacific/Apia",)).tolist() == [wall("2012-01-06 09:00")]  # no such Friday


@given(instants, st.integers(0, len(NAMES) - 1), st.integers(0, 1439), st.integers(0, 1439))
def test_next_outside_is_the_first_open_instant(value: int, code: int, start: int, end: int) -> None:
    zone = (NAMES[code],)

    def shut(at: int) -> bool:
        minute = int(zones.local(one(at), ZERO, zone)[0]) % zones.DAY // zones.MINUTE
        return start <= minute < end if start <= end else minute >= start or minute < end

    found = int(zones.next_outside(one(value), (start, end), ZERO, zone)[0])
    assert found >= value and not shut(found)
    assert found == value or shut(found - 1)
    assert all(shut(at) for at in np.linspace(value, found - 1, 7, dtype=np.int64)) or found == value


def test_quiet_again_after_the_clock_went_back() -> None:
    # 02:50 summer time is open; ten minutes later it is 02:00 again, and quiet until 02:45.
    berlin, window = ("Europe/Berlin",), (22 * 60, 2 * 60 + 45)
    for start, opens in (("00:30", "00:45"), ("01:05", "01:45")):
        found = zones.next_outside(one(utc(f"2026-10-25 {start}")), window, ZERO, berlin)
        assert found.tolist() == [utc(f"2026-10-25 {opens}")]


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "\x00", "Europe/Ber\nlin", "x" * 9999]
)
def test_garbage_means_the_fallback_zone(name: str) -> None:
    july = np.array([utc("2026-07-01")] * 2)
    shown = zones.local(july, np.array([0, -1], np.int32), (name,), "Asia/Tokyo")
    assert shown.tolist() == [wall("2026-07-01 09:00")] * 2


def test_careless_names_are_understood() -> None:
    shown = zones.local(one(utc("2026-07-01")), ZERO, (" america/new york",), "UTC")
    assert shown.tolist() == [wall("2026-06-30 20:00")]


def test_sentinels_stay() -> None:
    ends, codes, tokyo = np.array([LONG_AGO, NEVER]), np.zeros(2, np.int32), ("Asia/Tokyo",)
    for answer in (
        zones.local(ends, codes, tokyo),
        zones.instant(ends, codes, tokyo),
        zones.add_calendar(ends, 5, 5, codes, tokyo),
        zones.next_wall(ends, 5, {1}, codes, tokyo),
        zones.next_outside(ends, (0, 600), codes, tokyo),
    ):
        assert answer.tolist() == ends.tolist()


def test_read_only_and_empty_columns() -> None:
    frozen = one(utc("2026-07-01"))
    frozen.flags.writeable = False
    assert zones.local(frozen, ZERO, ("Asia/Tokyo",)).tolist() == [wall("2026-07-01 09:00")]
    nothing = np.empty(0, np.int64)
    assert not len(zones.next_wall(nothing, 5, None, np.empty(0, np.int32), ()))


def test_bad_settings_are_named() -> None:
    with pytest.raises(Invalid, match="no time zone"):
        zones.local(one(0), ZERO, ("UTC",), "Berlin")
    with pytest.raises(Invalid, match="weekday"):
        zones.next_wall(one(0), 5, set(), ZERO, ("UTC",))
