"""`sojourn plan`: what publishing a folder would change, for whom, and what the past says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json, Server
from sojourn.cli.commands.backtest import instant
from sojourn.errors import CallerError

Source = Annotated[Path, typer.Argument(metavar="FOLDER", help="The files, as `sojourn pull` writes them.")]
Base = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="What the folder was made from, instead of what was pulled last."),
]
Since = Annotated[str | None, typer.Option(metavar="DATE", help="Backtest entries from this day on.")]
Backtests = Annotated[bool, typer.Option(help="Say what backtests say, before and after.")]

MISTAKES, CHANGES = 1, 2


def plan(
    folder: Source,
    base: Base = None,
    since: Since = None,
    backtest: Backtests = True,
    data: Data = None,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Say what `sojourn push` would change; nothing is changed.

    Ends with 0 if there is nothing to do, with 2 if there is, and with 1 if there are mistakes.
    """
    from sojourn.cli.code.folder import opened
    from sojourn.cli.code.planning import asked, show

    try:
        wanted = opened(folder, base)
        with reached(data, database, server) as api:
            made = asked(wanted, api, instant(since), backtest=backtest)
    except CallerError as error:
        sys.excepthook(type(error), error, error.__traceback__)
        raise typer.Exit(MISTAKES) from error
    if json:
        answer.as_json(made)
    else:
        show(made, wanted)
    if made.definitions:
        raise typer.Exit(CHANGES)


command = Command("plan", plan)
