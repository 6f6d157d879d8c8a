"""Retention: of those who began in a period, how many came back in the ones after it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from sojourn.analytics.metric import Metric
from sojourn.analytics.stream import code_of, first_and_last_day, happened
from sojourn.errors import Invalid
from sojourn.tape.cores import by_parts
from sojourn.tape.kernels.cohorts import cohorts
from sojourn.tape.tape import Ints, Tape

_MOST_PERIODS = 4_000  # the table of cohorts by periods then takes 128 MB; it is 11 years of days

Period = Literal["day", "week", "month"]


class RetentionQuestion(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="metric",
    tag="retention",
    rename={"returning": "return"},
):
    """Who begins with their first event `start`, and comes back with an event `returning`.

    Periods are of the calendar in UTC; a week begins on Monday.  `mode`: came back in the k-th
    period itself (on), or in it or any later one (on_or_after), which counts the latest cohorts low.
    """

    start: str
    returning: str
    period: Period = "week"
    mode: Literal["on", "on_or_after"] = "on"


class Cohort(msgspec.Struct, frozen=True):
    """Those who began in the period that starts at `start` (a date), and how many came back by period.

    `returned` begins with period 0, the cohort's own, in which the beginning itself counts if it is
    a return event; it ends with the period of the last event that any customer has.
    """

    start: str
    size: int
    returned: tuple[int, ...]


class RetentionAnswer(msgspec.Struct, frozen=True):
    """The cohorts that have customers, oldest first."""

    cohorts: tuple[Cohort, ...]


def retention(tape: Tape, question: RetentionQuestion) -> RetentionAnswer:
    """How many of each cohort came back by period.  Raises Invalid for a name that was never seen."""
    start = code_of(tape, question.start, "start")
    back = np.zeros(len(tape.vocabulary), np.bool_)
    back[code_of(tape, question.returning, "return")] = True
    times, names = happened(tape)
    day, last_day = first_and_last_day(tape.starts, times)
    periods, dates = _calendar(question.period, day, last_day)
    if len(dates) > _MOST_PERIODS:
        raise Invalid(f"the events span {len(dates):,} periods; ask for longer ones", place="period")
    ever = question.mode == "on_or_after"
    parts = by_parts(
        lambda starts: cohorts(starts, times, names, start, back, periods, day, ever), tape.starts
    )
    sizes, returned = (np.sum(part, axis=0) for part in zip(*parts, strict=True))
    return RetentionAnswer(tuple(_cohorts(dates, sizes, returned)))


def _calendar(period: Period, day: int, last_day: int) -> tuple[npt.NDArray[np.int32], list[str]]:
    """The period (from 0) of each day, and the date on which each period begins."""
    days = np.arange(day, last_day + 1).astype("datetime64[D]")
    begins = days
    if period == "week":
        # Day 0, the first of January 1970, was a Thursday: numpy's weeks begin there, ours 3 days before.
        begins = (days + 3).astype("datetime64[W]").astype("datetime64[D]") - 3
    elif period == "month":
        begins = days.astype("datetime64[M]").astype("datetime64[D]")
    # Within one tape no period is empty of days, so the distinct begins are all periods in between.
    dates, periods = np.unique(begins, return_inverse=True)
    return periods.astype(np.int32), dates.astype(str).tolist()


def _cohorts(dates: list[str], sizes: Ints, returned: npt.NDArray[Any]) -> list[Cohort]:
    return [
        Cohort(dates[i], int(sizes[i]), tuple(returned[i, : len(dates) - i].tolist()))
        for i in np.flatnonzero(sizes)
    ]


RETENTION = Metric("retention", RetentionQuestion, retention)
