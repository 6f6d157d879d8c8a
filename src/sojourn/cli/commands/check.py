"""`sojourn check`: what is wrong with the draft of a journey, before anybody meets it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.command import Command, Json
from sojourn.cli.drafts import place_of, read_text

if TYPE_CHECKING:
    from sojourn.journey.check import Finding


def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Journeys, as YAML.")],
    json: Json = False,
) -> None:
    """Say what is wrong with journeys; ends with 2 if one of them cannot be published."""
    found = {str(path): _findings(path) for path in files}
    if json:
        answer.as_json([{"file": file, "findings": findings} for file, findings in found.items()])
    else:
        for file, findings in found.items():
            _show(file, findings)
    if any(one.severity == "error" for findings in found.values() for one in findings):
        raise typer.Exit(2)


def _findings(path: Path) -> list[Finding]:
    from sojourn.journey.check import check as findings
    from sojourn.journey.text import read_journey

    return findings(read_journey(read_text(path), str(path)))


def _show(file: str, findings: list[Finding]) -> None:
    if not findings:
        answer.say(f"{file}: nothing is wrong with it")
    for one in findings:
        answer.say(f"{file}: {one.severity}: {place_of(one)}: {one.what}")


command = Command("check", check)
