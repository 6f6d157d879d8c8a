"""`sojourn push`: what a folder says holds from now on, all of it or nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json, Server
from sojourn.cli.commands.backtest import instant
from sojourn.cli.commands.plan import Backtests, Base, Since, Source
from sojourn.errors import Conflict


def push(
    folder: Source,
    base: Base = None,
    since: Since = None,
    backtest: Backtests = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also over what others have changed since the folder was made.")
    ] = False,
    data: Data = None,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Show the plan, ask, and publish exactly that; nothing, if anybody has changed anything meanwhile."""
    from sojourn.cli.code.folder import opened, remember
    from sojourn.cli.code.planning import asked, overtaken, show

    wanted = opened(folder, base)
    with reached(data, database, server) as api:
        made = asked(wanted, api, instant(since), backtest=backtest)
        if json:
            answer.as_json(made)
        else:
            show(made, wanted)
        if (stale := overtaken(made, wanted)) and not force:
            raise Conflict(_why(stale, unknown=wanted.base is None))
        if made.definitions:
            if not yes:
                typer.confirm("publish this?", abort=True, err=True)
            paths = {one.path for one in made.definitions}
            files = [file for file in wanted.files.values() if file.path in paths]
            gone = [{"kind": one.kind, "name": one.name} for one in made.definitions if not one.path]
            api.call("PATCH", "/api/definitions", {"files": files, "gone": gone}, match=made.state)
            answer.say_aside("published")
    remember(folder, wanted.digests())


def _why(stale: list[str], *, unknown: bool) -> str:
    if unknown:
        what = "nobody knows what this folder was made from, so it may undo what others did to"
        return f"{what} {', '.join(stale)}: `sojourn pull` first, or say --base or --force"
    return f"changed by somebody else since this folder was made: {', '.join(stale)}; `sojourn pull` first"


command = Command("push", push)
