"""Costs as CSV: every way to write a period, and each mistake by its line and column."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.ingest.costs import period, read
from sojourn.store.files.costs import Cost

DAY = 86_400_000_000
HEAD = "channel,period,amount,currency,journey"
KNOWN = ("welcome", "win back")


def day(text: str) -> int:
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days * DAY


@pytest.mark.parametrize(
    ("text", "begins", "after"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-q1", "2026-01-01", "2026-04-01"),
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-W01", "2025-12-29", "2026-01-05"),
        (" 2026-03-31 ", "2026-03-31", "2026-04-01"),
        ("2026-03-01/2026-03-15", "2026-03-01", "2026-03-16"),
        ("2026-01/2026-03", "2026-01-01", "2026-04-01"),
    ],
)
def test_a_period_is_written_as_people_write_it(text: str, begins: str, after: str) -> None:
    assert period(text) == (day(begins), day(after))


@pytest.mark.parametrize(
    "text",
    ["", "March", "2026-13", "2026-00", "2026-Q5", "2026-W54", "2026-02-30", "2026-03/2026-01", "9999", "26"],
)
def test_what_is_no_period_is_none(text: str) -> None:
    assert period(text) is None


@given(st.dates(dt.date(1971, 1, 1), dt.date(2200, 1, 1)), st.integers(0, 400))
def test_a_span_of_days_includes_both(first: dt.date, more: int) -> None:
    found = period(f"{first}/{first + dt.timedelta(days=more)}")
    assert found
    assert found[1] - found[0] == (more + 1) * DAY


def test_costs_are_read_whatever_parts_them_and_in_any_order() -> None:
    plain = f"{HEAD}\nEmail,2026-03,1200.50,eur,welcome\n\nsms,2026-03-01,0,EUR,\n"
    found, bad = read(plain, KNOWN)
    assert bad == []
    assert found == [
        Cost("welcome", "email", "2026-03", "EUR", day("2026-03-01"), day("2026-04-01"), 1_200_500_000),
        Cost("", "sms", "2026-03-01", "EUR", day("2026-03-01"), day("2026-03-02"), 0),
    ]
    german = "\ufeffJourney;Amount;Channel;Period;Currency\r\nwelcome;1200,50;Email;2026-03;EUR\r\n"
    assert read(german, KNOWN) == ([found[0]], [])
    without = "channel,period,amount,currency\nsms,2026-03-01,0,EUR\n"
    assert read(without, ()) == ([found[1]], [])


@pytest.mark.parametrize(
    ("line", "column", "why"),
    [
        (",2026-03,1,EUR,", "channel", "must be a name"),
        ("email,soon,1,EUR,", "period", "is not a period: 2026"),
        ("email,2026-03,1.000.50,EUR,", "amount", "is no amount"),
        ('email,2026-03,"1,000",EUR,', "amount", "is no amount"),
        ("email,2026-03,-1,EUR,", "amount", "is no amount"),
        ("email,2026-03,1,Euro,", "currency", "is no currency"),
        ("email,2026-03,1,EUR,welcom", "journey", "did you mean 'welcome'?"),
        ("email,2026-03,1,EUR,x", "journey", "is no journey"),
        ("email,2026-03,1", "", "has 3 cells, not 5"),
        ("Email,2026-03-01/2026-03-31,1,EUR,", "period", "is told in line 2 already"),
    ],
)
def test_a_mistake_is_named_by_line_and_column(line: str, column: str, why: str) -> None:
    found, bad = read(f"{HEAD}\nemail,2026-03,7,EUR,\n{line}\nsms,2026-03,7,EUR,win back\n", KNOWN)
    assert [cost.channel for cost in found] == ["email", "sms"]
    assert [(one.line, one.column) for one in bad] == [(3, column)]
    assert why in bad[0].why


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "column 'channel'"),
        ("channel,period,amount\n", "column 'currency'"),
        ("chanel,period,amount,currency\n", "column 'chanel'"),
        ("channel,period,amount,currency,amount\n", "column 'amount'"),
    ],
)
def test_a_file_with_another_header_is_none(text: str, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text, KNOWN)
    assert (refused.value.place, refused.value.line) == (place, 1)


def test_what_is_no_csv_says_where() -> None:
    with pytest.raises(Invalid) as refused:
        read(f'{HEAD}\nemail,2026-03,1,EUR,\n"email" x,2026-03,1,EUR,\n', KNOWN)
    assert refused.value.line == 3


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found, bad = read(f"{HEAD}\n{text}", KNOWN)
    except Invalid:
        return
    assert all(cost.begins < cost.ends and cost.amount >= 0 for cost in found)
    assert all(one.line >= 2 for one in bad)
