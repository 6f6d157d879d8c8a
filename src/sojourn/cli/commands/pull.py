"""`sojourn pull`: the definitions of an installation as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json, Server
from sojourn.errors import Conflict

Target = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where the files are; made if it is not there.")
]


def pull(
    folder: Target,
    force: Annotated[
        bool, typer.Option("--force", help="Have what the installation says, also over changes made here.")
    ] = False,
    data: Data = None,
    database: Database = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Bring a folder up to date with the installation, one file a definition, as its author wrote it.

    What was changed here stays so; where it was changed there too, nothing is written.
    """
    from sojourn.cli.code.folder import opened, remember
    from sojourn.cli.code.pulling import merge

    folder.mkdir(parents=True, exist_ok=True)
    with reached(data, database, server) as api:
        shown = api.call("GET", "/api/definitions")
    merged = merge(opened(folder), shown["definitions"], force=force)
    if merged.both:
        both = ", ".join(merged.both)
        raise Conflict(f"changed here and there: {both}; keep yours elsewhere and pull again with --force")
    merged.write()
    remember(folder, {f"{one['kind']} {one['name']}".rstrip(): one["digest"] for one in shown["definitions"]})
    told = {"written": merged.names(merged.written), "removed": merged.names(merged.removed)}
    told |= {"kept": sorted(map(str, merged.kept)), "drafts": shown["drafts"]}
    if json:
        answer.as_json(told)
    else:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    for what in ("written", "removed"):
        for path in told[what]:
            answer.say(f"{what}: {path}")
    for name in told["kept"]:
        answer.say(f"kept as it is here: {name}; `sojourn plan` tells what it would change")
    for name in told["drafts"]:
        answer.say(f"not pulled: the draft of journey {name}, which is not published")
    if not (told["written"] or told["removed"]):
        answer.say("nothing to do: the folder says what the installation says")


command = Command("pull", pull)
