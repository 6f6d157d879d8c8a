"""`sojourn ask`: funnels, retention, paths, lift and return, answered from all events there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sojourn.cli import answer, proving
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.installation import opened

if TYPE_CHECKING:
    from sojourn.cli.client import Api
    from sojourn.tape.tape import Tape

Within = Annotated[
    str, typer.Option(metavar="SPAN", help="How long an outcome counts; by default as long as the goal.")
]

_SHOWN = 9
"""Periods of a retention that fit on a screen; --json has all."""


def funnel(
    steps: Annotated[str, typer.Option(metavar="A,B,C", help="Names of events, in order.")],
    within: Annotated[
        str | None, typer.Option(metavar="SPAN", help="At most this long from the first step, such as 14d.")
    ] = None,
    order: Annotated[
        Literal["ordered", "strict", "any"],
        typer.Option(help="Others may come between (ordered), may not (strict), or in any order."),
    ] = "ordered",
    entry: Annotated[
        Literal["first", "best"], typer.Option(help="Count from the first beginning, or from the best one.")
    ] = "best",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """How many customers got through each step."""
    from sojourn.analytics.metrics.funnel import FunnelQuestion
    from sojourn.analytics.metrics.funnel import funnel as count
    from sojourn.rule.span import parse_span

    span = parse_span(within, "--within").length if within else None
    names = tuple(name.strip() for name in steps.split(","))
    question = FunnelQuestion(steps=names, order=order, entry=entry, within=span)
    found = count(_history(data, database), question)
    if json:
        answer.as_json(found)
        return
    first = max(found.steps[0].count, 1)
    rows = [(step.name, step.count, f"{100 * step.count / first:.1f} %") for step in found.steps]
    answer.as_table(("step", "customers", "of the first"), rows)


def retention(
    start: Annotated[str, typer.Option(metavar="EVENT", help="The event with which a customer begins.")],
    returning: Annotated[str, typer.Option("--return", metavar="EVENT", help="The event of coming back.")],
    period: Annotated[
        Literal["day", "week", "month"], typer.Option(help="Of the calendar, in UTC.")
    ] = "week",
    mode: Annotated[
        Literal["on", "on_or_after"], typer.Option(help="Came back in the period itself, or in it or later.")
    ] = "on",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Of those who began in a period, how many came back in the ones after it."""
    from sojourn.analytics.metrics.retention import RetentionQuestion
    from sojourn.analytics.metrics.retention import retention as count

    question = RetentionQuestion(start=start, returning=returning, period=period, mode=mode)
    found = count(_history(data, database), question)
    if json:
        answer.as_json(found)
        return
    heads = ("began", "customers", *(str(number) for number in range(_SHOWN)))
    answer.as_table(
        heads, ((cohort.start, cohort.size, *cohort.returned[:_SHOWN]) for cohort in found.cohorts)
    )


def paths(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Which event directly followed which, and how often."""
    from sojourn.analytics.metrics.paths import paths as count

    found = count(_history(data, database))
    if json:
        answer.as_json(found)
    else:
        answer.as_table(("from", "to", "times"), ((e.source, e.target, e.count) for e in found.edges))


def lift(
    journey: Annotated[
        str, typer.Argument(metavar="[JOURNEY]", help="Else all journeys, by the global holdout.")
    ] = "",
    money: Annotated[
        bool, typer.Option("--money", help="Compare what is spent instead of the goal.")
    ] = False,
    within: Within = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """How much more customers did because of a journey, by those who are held out of it."""
    with _api(data, database) as api:
        found = proving.ask(api, "lift", journey=journey, money=money, within=within)
    if json:
        answer.as_json(found)
    else:
        proving.show_lift(found)


def roi(
    journey: Annotated[str, typer.Argument(metavar="JOURNEY")],
    begins: Annotated[
        str, typer.Option("--from", metavar="DAY", help="Of those who entered on this day or later.")
    ] = "",
    ends: Annotated[str, typer.Option("--to", metavar="DAY", help="And on this day or earlier.")] = "",
    within: Within = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """What a journey cost, what its customers spent, and how much of that it caused."""
    with _api(data, database) as api:
        found = proving.ask(api, "roi", journey=journey, begins=begins, ends=ends, within=within)
    if json:
        answer.as_json(found)
    else:
        proving.show_roi(found)


@contextmanager
def _api(data: Path | None, database: str | None) -> Iterator[Api]:
    """The API of an installation that is there."""
    from sojourn.app import settings
    from sojourn.cli.client import reached

    settings(data, database, make=False)
    with reached(data, database) as api:
        yield api


def _history(data: Path | None, database: str | None) -> Tape:
    from sojourn.lake.layout import Wanted

    with opened(data, database) as app:
        return app.history.tape(Wanted(keys=False, runs=False))


command = Command("ask", parts=(funnel, retention, paths, lift, roi), help="Ask about all events there are.")
