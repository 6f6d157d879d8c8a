"""`sojourn check`: what is wrong with a draft, before anybody meets it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli import answer, documents
from sojourn.cli.client import Api, reached
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.documents import Finding
from sojourn.cli.installation import is_there

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Journeys, templates, segments ... as YAML, folders too."),
]


def check(files: Files, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Say what is wrong with drafts; ends with 2 if one of them cannot be published.

    With a data folder that is in use also what they name and it does not hold.
    """
    if is_there(data, database):
        with reached(data, database) as api:
            found = _checked(files, api)
    else:
        found = _checked(files, None)
    if json:
        answer.as_json([{"file": file, "findings": findings} for file, findings in found.items()])
    else:
        for file, findings in found.items():
            _show(file, findings)
    if any(one.severity == "error" for findings in found.values() for one in findings):
        raise typer.Exit(2)


def _checked(files: list[Path], api: Api | None) -> dict[str, list[Finding]]:
    return {str(path): documents.check(documents.read(path), api) for path in documents.expanded(files)}


def _show(file: str, findings: list[Finding]) -> None:
    if not findings:
        answer.say(f"{file}: nothing is wrong with it")
    for one in findings:
        where = f"{file}:{one.line}" if one.line else file
        answer.say(f"{where}: {one.severity}: {one.place}: {one.what}")


command = Command("check", check)
