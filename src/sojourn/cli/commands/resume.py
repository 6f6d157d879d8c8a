"""`sojourn resume`: a journey that was paused goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database

Waits = Annotated[
    str,
    typer.Option(
        help="What the pause was for those who waited: 'keep counting' it, 'stop the clock' for it, "
        "or 'restart' their waits."
    ),
]


def resume(
    journey: Annotated[str, typer.Argument(metavar="JOURNEY")],
    waits: Waits = "keep counting",
    data: Data = None,
    database: Database = None,
) -> None:
    """Let a paused journey go on."""
    with reached(data, database) as api:
        api.call("PUT", f"/api/journeys/{journey}/state", {"state": "live", "waits": waits})
    answer.say(f"goes on: {journey}")


command = Command("resume", resume)
