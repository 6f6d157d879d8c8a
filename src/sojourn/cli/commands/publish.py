"""`sojourn publish`: from now on this holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli import answer, documents
from sojourn.cli.client import Api, reached
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.documents import Document

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Journeys, templates, segments ... as YAML.")
]


def publish(files: Files, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Publish journeys, templates, segments, the policy and the channels; nothing is, if one is wrong."""
    found = documents.in_order(map(documents.read, files))
    with reached(data, database) as api:
        _refuse_errors(found, None)
        done = [_published(document, api) for document in found]
    if json:
        answer.as_json(done)
    else:
        for one in done:
            answer.say(f"published: {one['kind']} {one['name']}")


def _published(document: Document, api: Api) -> dict[str, object]:
    # Only now is there what it names, if that came with it.
    _refuse_errors([document], api)
    said = documents.publish(document, api)
    return {"file": str(document.path), "kind": document.kind, "name": document.name, "answer": said}


def _refuse_errors(found: list[Document], api: Api | None) -> None:
    for document in found:
        for finding in documents.check(document, api):
            if finding.severity == "error":
                raise documents.error_of(finding, document.path)


command = Command("publish", publish)
