"""Counts that must come out exactly, on the ecom clickstream and on the purchases of CDNOW."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from sojourn.analytics.metrics.funnel import FunnelQuestion, funnel
from sojourn.analytics.metrics.retention import Cohort, Period, RetentionQuestion, retention
from sojourn.tape.build import build
from sojourn.tape.tape import Tape

DATA = Path(__file__).parents[2] / ".demo" / "data"
HOUR = 3_600_000_000
STEPS = ("search", "product_view", "add_to_cart", "purchase")


def data(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not here: tools/demo_data.py fetches it")
    return DATA / name


def tape_of(customers: list[str], times: list[str], names: list[str]) -> Tape:
    ids = np.unique(customers, return_inverse=True)[1] + 1
    vocabulary, codes = np.unique(names, return_inverse=True)
    instants = np.array(times, "datetime64[us]").astype(np.int64)
    return build(ids.astype(np.int64), instants, None, codes.astype(np.int32), vocabulary.tolist())


@cache
def ecom(grain: str) -> Tape:
    with gzip.open(data("ecom.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tape_of(*([row[column] for row in rows] for column in (grain, "timestamp", "event")))


@cache
def cdnow() -> Tape:
    lines = [line.split() for line in data("CDNOW_master.txt").read_text().splitlines()[1:]]
    dates = [f"{date[:4]}-{date[4:6]}-{date[6:]}" for _, date, *_ in lines]
    return tape_of([line[0] for line in lines], dates, ["purchase"] * len(lines))


def counts(question: FunnelQuestion, grain: str = "user_id") -> list[int]:
    return [step.count for step in funnel(ecom(grain), question).steps]


def test_funnel_of_users_in_each_order() -> None:
    assert counts(FunnelQuestion(steps=STEPS)) == [594, 587, 485, 257]
    assert counts(FunnelQuestion(steps=STEPS, order="any")) == [600, 597, 519, 326]
    assert counts(FunnelQuestion(steps=STEPS, order="strict")) == [594, 474, 44, 1]


@pytest.mark.parametrize(("entry", "converted"), [("first", [21, 22, 38]), ("best", [88, 91, 127])])
def test_funnel_within_an_hour_a_day_a_week(entry: Literal["first", "best"], converted: list[int]) -> None:
    spans = (HOUR, 24 * HOUR, 7 * 24 * HOUR)
    questions = [FunnelQuestion(steps=STEPS, entry=entry, within=span) for span in spans]
    assert [counts(question)[-1] for question in questions] == converted


def test_funnel_of_sessions() -> None:
    assert counts(FunnelQuestion(steps=STEPS), "session_id") == [2251, 1630, 432, 92]


def cohorts(period: Period, mode: Literal["on", "on_or_after"]) -> tuple[Cohort, ...]:
    question = RetentionQuestion(start="purchase", returning="purchase", period=period, mode=mode)
    return retention(cdnow(), question).cohorts


def returned(period: Period, mode: Literal["on", "on_or_after"], k: int) -> int:
    return sum(cohort.returned[k] for cohort in cohorts(period, mode) if k < len(cohort.returned))


def test_retention_by_month() -> None:
    on, ever = cohorts("month", "on"), cohorts("month", "on_or_after")
    assert [cohort.start for cohort in on] == ["1997-01-01", "1997-02-01", "1997-03-01"]
    assert [cohort.size for cohort in on] == [7846, 8476, 7248]
    assert [cohort.returned[0] for cohort in on] == [7846, 8476, 7248]
    assert [cohort.returned[1] for cohort in on] == [1157, 1312, 1032]
    assert [cohort.returned[3] for cohort in on] == [810, 783, 756]
    assert [cohort.returned[1] for cohort in ever] == [3654, 3861, 3300]


def test_retention_by_day() -> None:
    assert returned("day", "on", 7) == 241
    assert returned("day", "on_or_after", 0) == 23_570
    assert returned("day", "on_or_after", 1) == 11_516
