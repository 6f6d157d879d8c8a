"""`sojourn keys`: who may send events and use the API."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json

Scopes = Annotated[
    list[str],
    typer.Option(
        "--scope",
        help="track:server, track:public (browsers), mail, read, write, send or admin; may be repeated.",
    ),
]


def make(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Scopes = ["track:server"],  # noqa: B006 - typer reads it and never changes it
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Make a key and print its secret, which is shown this once."""
    with reached(data, database) as api:
        minted = api.call("POST", "/api/keys", {"name": name, "scopes": scope})
    if json:
        answer.as_json(minted)
    else:
        answer.say(minted["secret"])


def show(data: Data = None, database: Database = None, json: Json = False) -> None:
    """List the keys, without their secrets."""
    with reached(data, database) as api:
        found = api.call("GET", "/api/keys")
    if json:
        answer.as_json(found)
        return
    heads = ("id", "name", "begins with", "may", "ended")
    answer.as_table(
        heads,
        (
            (key["id"], key["name"], key["prefix"], " ".join(key["scopes"]), bool(key["revoked"]))
            for key in found
        ),
    )


def end(
    number: Annotated[int, typer.Argument(metavar="ID")], data: Data = None, database: Database = None
) -> None:
    """End a key; within seconds it opens nothing any more."""
    with reached(data, database) as api:
        ended = api.call("DELETE", f"/api/keys/{number}")
    answer.say(f"ended: {ended['name']}")


command = Command("keys", parts=(make, show, end), help="Keys for those who send events or use the API.")
