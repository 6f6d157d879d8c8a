"""`sojourn tasks`: what journeys have asked of the team, and saying that it is done."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json


def show(
    owner: Annotated[str, typer.Option(help="Only of this owner.")] = "",
    role: Annotated[str, typer.Option(help="Only of this role.")] = "",
    done: Annotated[bool, typer.Option("--done", help="Those that are done.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """List open tasks, the most urgent first."""
    asked = urlencode({"owner": owner, "role": role, "done": str(done).lower()})
    with reached(data, database) as api:
        found = api.call("GET", f"/api/tasks?{asked}")
    if json:
        answer.as_json(found)
        return
    heads = ("id", "due", "title", "whose", "customer", "journey")
    rows = (
        (one["id"], one["due"], one["title"], one["owner"] or one["role"], one["customer"], one["journey"])
        for one in found
    )
    answer.as_table(heads, rows)


def done(
    task: Annotated[str, typer.Argument(metavar="ID", help="As `sojourn tasks show` lists it.")],
    outcome: Annotated[str, typer.Option(help="What came of it.")] = "",
    data: Data = None,
    database: Database = None,
) -> None:
    """Say that a task is done: the run that waits for it goes on."""
    with reached(data, database) as api:
        found = api.call("POST", f"/api/tasks/{task}/done", {"outcome": outcome})
    answer.say(f"done: {found['title']}")


command = Command("tasks", parts=(show, done), help="What journeys have asked of the team.")
