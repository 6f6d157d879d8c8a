"""`sojourn sending`: halt all messages at once, by every process, and let them go on."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database


def halt(
    why: Annotated[str, typer.Option("--why", help="What everybody is told who asks.")] = "",
    data: Data = None,
    database: Database = None,
) -> None:
    """Begin no message from now on; what is planned waits, and nothing is lost."""
    with reached(data, database) as api:
        shown = api.call("POST", "/api/channels/halt", {"why": why})
    answer.say(f"sending is halted: {shown['halted']}")


def resume(data: Data = None, database: Database = None) -> None:
    """Send again, all that has waited too."""
    with reached(data, database) as api:
        api.call("POST", "/api/channels/resume", {})
    answer.say("sending goes on")


command = Command("sending", parts=(halt, resume), help="Halt all messages at once, and let them go on.")
