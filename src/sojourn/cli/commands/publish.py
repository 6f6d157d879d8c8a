"""`sojourn publish`: from now on this holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli import answer, documents
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.documents import Document

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Journeys, templates, segments ... as YAML, folders too."),
]


def publish(files: Files, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Publish journeys, templates, segments, scores, the policy ...; nothing is, if one of them is wrong."""
    found = [documents.read(path) for path in documents.expanded(files)]
    with reached(data, database) as api:
        _refuse_errors(found)
        done = documents.publish(found, api)
    if json:
        answer.as_json(done)
    else:
        for one in done:
            answer.say(f"published: {one['kind']} {one['name']}".rstrip())


def _refuse_errors(found: list[Document]) -> None:
    for document in found:
        for finding in documents.check(document):
            if finding.severity == "error":
                raise documents.error_of(finding, document.path)


command = Command("publish", publish)
