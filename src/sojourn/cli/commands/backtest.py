"""`sojourn backtest`: what a draft would have done, had it run over all of history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.documents import read_draft
from sojourn.cli.installation import opened

if TYPE_CHECKING:
    from sojourn.runtime.backtest import Answer


def backtest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A journey, as YAML.")],
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Count entries from this day on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="As of this day; by default now.")] = None,
    opened_rate: Annotated[
        float | None,
        typer.Option(
            "--opened", min=0, max=1, help="Share of messages assumed to be opened, if nothing tells."
        ),
    ] = None,
    clicked_rate: Annotated[
        float | None,
        typer.Option(
            "--clicked", min=0, max=1, help="Share of messages assumed to be clicked, if nothing tells."
        ),
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Play a draft over all of history and say what it would have done."""
    from sojourn.runtime.backtest import Question
    from sojourn.runtime.backtest import backtest as played

    draft = read_draft(file)
    given = {"opened": opened_rate, "clicked": clicked_rate}
    with opened(data, database) as app:
        question = Question(
            since=instant(since) or Question.since,
            until=instant(until) or app.database.now(),
            figures={what: rate for what, rate in given.items() if rate is not None},
        )
        found = played(draft, app.history.tape(), app.catalogue(), question)
    if json:
        answer.as_json(found)
    else:
        _show(found)


def instant(day: str | None) -> int | None:
    from sojourn.rule.span import instants, parse_date

    return int(instants([parse_date(day)], "UTC")[0]) if day else None


def _show(found: Answer) -> None:
    answer.say(
        f"{found.entered:,} would have entered, {found.waiting:,} be waiting; played in {found.ms:g} ms"
    )
    heads = ("step", "visits", "waiting", "left", "sent", "held back")
    answer.as_table(
        heads,
        (
            (
                step.id,
                step.visits,
                step.waiting,
                sum(step.left.values()),
                step.planned,
                _total(step.suppressed),
            )
            for step in found.steps
        ),
    )
    answer.as_table(
        ("from", "exit", "to", "taken"),
        ((edge.source, edge.exit, edge.target or "(completed)", edge.count) for edge in found.edges),
    )
    for one in found.assumed:
        answer.say(
            f"assumed: {100 * one.rate:.1f} % of {one.template!r} {one.what} ({one.source}, {one.n} messages)"
        )


def _total(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


command = Command("backtest", backtest)
