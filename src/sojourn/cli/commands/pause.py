"""`sojourn pause`: a journey rests; nobody enters, moves or is written to."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database


def pause(
    journey: Annotated[str, typer.Argument(metavar="JOURNEY")], data: Data = None, database: Database = None
) -> None:
    """Let a journey rest until `sojourn resume`: nobody enters, moves or is written to."""
    with reached(data, database) as api:
        api.call("PUT", f"/api/journeys/{journey}/state", {"state": "paused"})
    answer.say(f"paused: {journey}")


command = Command("pause", pause)
