"""Instants are read in every common form, and a device's wrong clock is put right (P8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.ingest.times import corrected, instant

NINE = 1_772_355_600_000_000  # 2026-03-01 09:00 UTC
SECOND, YEAR = 1_000_000, 365 * 86_400 * 1_000_000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T09:00:00Z", NINE),
        ("2026-03-01T09:00:00.123Z", NINE + 123_000),
        ("2026-03-01T09:00:00.123456789Z", NINE + 123_456),
        ("2026-03-01T09:00:00+00:00", NINE),
        ("2026-03-01T11:00:00+02:00", NINE),
        ("2026-03-01T11:00:00+0200", NINE),
        ("2026-03-01 09:00:00", NINE),
        ("2026-03-01 09:00", NINE),
        (" 2026-03-01T09:00:00Z ", NINE),
        ("2026-03-01", NINE - 9 * 3600 * SECOND),
        ("20260301", NINE - 9 * 3600 * SECOND),
        ("Sun, 01 Mar 2026 09:00:00 GMT", NINE),
        ("Sun, 01 Mar 2026 09:00:00 +0000", NINE),
        (1_772_355_600, NINE),
        (1_772_355_600.5, NINE + SECOND // 2),
        (1_772_355_600_000, NINE),
        (1_772_355_600_000_000, NINE),
        ("1772355600", NINE),
        ("1772355600000", NINE),
        (0, 0),
        (-1, -SECOND),
        ("", None),
        ("tomorrow", None),
        ("2026-13-01", None),
        ("9" * 5000, None),
        (10**30, None),
        (True, None),
        (None, None),
        ([], None),
        (float("inf"), None),
    ],
    ids=repr,
)
def test_instants_in_all_their_forms(written: object, read: int | None) -> None:
    assert instant(written) == read


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
def test_every_iso_text_comes_back(when: datetime) -> None:
    since = (when.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert instant(when.isoformat()) == since


@given(st.text(max_size=30) | st.integers() | st.floats())
def test_anything_else_is_no_instant_or_one_within_years_1_to_9999(written: object) -> None:
    read = instant(written)
    assert read is None or -62_135_683_200_000_000 <= read <= 253_402_387_200_000_000


@pytest.mark.parametrize("skew", [-10 * YEAR, -3600 * SECOND, -SECOND, 0, SECOND, 3600 * SECOND, 10 * YEAR])
def test_the_clock_of_the_device_does_not_matter(skew: int) -> None:
    happened, sent, received = NINE, NINE + 60 * SECOND, NINE + 61 * SECOND
    assert corrected(happened + skew, sent + skew, received) == (received - 60 * SECOND, False)


@pytest.mark.parametrize(
    ("original", "sent", "happened", "clamped"),
    [
        (None, None, NINE, False),
        (None, NINE, NINE, False),
        (NINE - YEAR, None, NINE - YEAR, False),  # without sentAt the original counts as it is
        (NINE + SECOND, None, NINE, False),  # a little ahead: we met it when it happened
        (NINE + 300 * SECOND, None, NINE, False),
        (NINE + 301 * SECOND, None, NINE, True),
        (NINE + 10 * YEAR, None, NINE, True),
        (NINE + 10 * YEAR, NINE + 10 * YEAR, NINE, False),
        (-(10**19), None, -62_135_596_800_000_000, False),
    ],
)
def test_what_is_ahead_is_pulled_back(
    original: int | None, sent: int | None, happened: int, clamped: bool
) -> None:
    assert corrected(original, sent, NINE) == (happened, clamped)
