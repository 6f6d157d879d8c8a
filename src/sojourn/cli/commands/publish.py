"""`sojourn publish`: from now on this holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli import answer, documents
from sojourn.cli.client import Api, reached
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.documents import Document
from sojourn.errors import Invalid

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Journeys, templates, segments ... as YAML, folders too."),
]


_KINDS = ("stay", "follow", "move")

Kept = Annotated[
    str, typer.Option("--inside", help="What becomes of those inside a journey: stay, follow or move.")
]
Moves = Annotated[
    list[str],
    typer.Option("--map", metavar="OLD=NEW", help="Where those on an old step go; OLD= lets them leave."),
]
Preview = Annotated[bool, typer.Option("--preview", help="Say what would become of them, change nothing.")]


def publish(
    files: Files,
    inside: Kept = "stay",
    moves: Moves = [],  # noqa: B006 - typer reads it and never changes it
    preview: Preview = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Publish journeys, templates, segments, scores, the policy ...; nothing is, if one of them is wrong."""
    from sojourn.cli.code.folder import published
    from sojourn.runtime.definitions.kind import File

    found = [documents.read(path) for path in documents.expanded(files)]
    with reached(data, database) as api:
        _refuse_errors(found)
        if preview:
            _foretell(_journey(found), _inside(inside, moves), api, json)
            return
        wanted = _inside(inside, moves)
        if inside == "stay":
            done = documents.publish(found, api)
        else:
            body = {"text": _journey(found).text, **wanted}
            version = api.call("POST", "/api/journeys/publish", body)
            done = [{"kind": "journey", "name": found[0].data["journey"], "version": version["number"]}]
    published([File(str(one.path), one.text) for one in found if one.kind != documents.CHANNELS])
    if json:
        answer.as_json(done)
    else:
        for one in done:
            answer.say(f"published: {one['kind']} {one['name']}".rstrip())


def _journey(found: list[Document]) -> Document:
    """The one journey that the files are; Invalid if they are anything else."""
    if len(found) != 1 or "journey" not in found[0].data:
        raise Invalid("--inside, --map and --preview are for one journey")
    return found[0]


def _inside(kind: str, moves: list[str]) -> dict[str, object]:
    if kind not in _KINDS:
        raise Invalid(f"--inside must be one of {', '.join(_KINDS)}, not {kind!r}")
    if moves and kind != "move":
        raise Invalid("--map says where customers go who are moved: it needs --inside move")
    for move in moves:
        if "=" not in move:
            raise Invalid(f"--map takes OLD=NEW, not {move!r}")
    return {"inside": kind, "map": dict(move.split("=", 1) for move in moves)}


def _foretell(document: Document, inside: dict[str, object], api: Api, json: bool) -> None:
    """Say what would become of those inside."""
    found = api.call("POST", "/api/journeys/preview", {"text": document.text, **inside})
    if json:
        answer.as_json(found)
        return
    rows = ((one["count"], one["step"], one["to"] or f"leaves: {one['leaves']}") for one in found)
    answer.as_table(("runs", "stand on", "go on at"), rows)


def _refuse_errors(found: list[Document]) -> None:
    for document in found:
        for finding in documents.check(document):
            if finding.severity == "error":
                raise documents.error_of(finding, document.path)


command = Command("publish", publish)
