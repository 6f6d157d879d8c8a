"""`sojourn versions`: what was published of a journey, what changed in between, and back to an old one."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json

Name = Annotated[str, typer.Argument(metavar="JOURNEY")]
Number = Annotated[int, typer.Argument(metavar="VERSION", help="Its number.")]


def show(name: Name, data: Data = None, database: Database = None, json: Json = False) -> None:
    """List the versions of a journey, the oldest first."""
    from sojourn.runtime.explain import iso

    with reached(data, database) as api:
        found = api.call("GET", f"/api/journeys/{name}")["versions"]
    if json:
        answer.as_json(found)
        return
    rows = ((one["number"], iso(one["published"]), one["state"]) for one in found)
    answer.as_table(("version", "published", "state"), rows)


def diff(
    name: Name,
    before: Number,
    after: Annotated[int, typer.Argument(metavar="[VERSION]", help="By default the draft.")] = 0,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Say what changed between two versions, step by step."""
    from sojourn.journey.changing.diff import Change, sentence

    with reached(data, database) as api:
        found = api.call("GET", f"/api/journeys/{name}/diff?before={before}&after={after}")
    if json:
        answer.as_json(found)
        return
    for change in msgspec.convert(found, list[Change]):
        answer.say(f"{change.what:<10}{sentence(change)}")
    if not found:
        answer.say("nothing has changed")


def restore(name: Name, number: Number, data: Data = None, database: Database = None) -> None:
    """Make an old version the draft again."""
    with reached(data, database) as api:
        api.call("POST", f"/api/journeys/{name}/restore", {"version": number})
    answer.say(f"version {number} of {name} is its draft again; `sojourn publish` lets it run")


command = Command("versions", parts=(show, diff, restore), help="What was published of a journey, and when.")
