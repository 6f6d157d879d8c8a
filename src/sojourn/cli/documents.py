"""The files that a person writes, as YAML: what defines an installation, and the channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sojourn.errors import Invalid, NotFound

if TYPE_CHECKING:
    from sojourn.cli.client import Api
    from sojourn.journey.definition import Journey

CHANNELS = "channels"
"""The one kind that is published by itself: it holds secrets, which are never shown again."""


class Finding(msgspec.Struct, frozen=True):
    """What to look at in a document; an `error` forbids that it is published."""

    severity: str
    place: str
    what: str
    line: int = 0


@dataclass(frozen=True)
class Document:
    """One file: its kind, its name (empty where there is one of a kind), its text, and that as data."""

    path: Path
    kind: str
    name: str
    text: str
    data: dict[str, Any]


def read(path: Path) -> Document:
    """The document in a file, which is sound in itself.  Raises NotFound or Invalid."""
    from sojourn.journey.text.source import Source
    from sojourn.runtime.definitions.kind import File
    from sojourn.runtime.definitions.kind import read as written

    text = read_text(path)
    data = Source(text, str(path)).data()
    if isinstance(data, dict) and CHANNELS in data:
        return Document(path, CHANNELS, "", text, data)
    found = written(File(str(path), text))
    return Document(path, found.named.kind, found.named.name, text, dict(found.data))


def read_text(path: Path) -> str:
    """The text of a file, letter by letter, line ends too.  Raises NotFound or Invalid, which name it."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError as missing:
        raise NotFound(f"there is no file {path}") from missing
    except (OSError, UnicodeDecodeError) as trouble:
        raise Invalid(f"cannot be read as text ({trouble})", source=str(path)) from trouble


def expanded(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and of folders all YAML files within that are not hidden."""
    return [file for path in paths for file in (_within(path) if path.is_dir() else [path])]


def _within(folder: Path) -> list[Path]:
    """In order of their paths."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".yaml", ".yml")
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def read_draft(path: Path) -> Journey:
    """A journey that can run.  Raises Invalid for the first thing that is wrong with it."""
    from sojourn.journey.text import read_journey

    text = read_text(path)
    draft = read_journey(text, str(path))
    for finding in check(Document(path, "journey", draft.name, text, {})):
        if finding.severity == "error":
            raise error_of(finding, path)
    return draft


def check(document: Document, api: Api | None = None) -> list[Finding]:
    """What to look at, errors first; with an API also what is not there in its installation."""
    match document.kind:
        case "journey":
            return _check_journey(document, api)
        case "template":
            return _check_template(document)
        case "score" | "lifecycle" if api:
            resource = "scores" if document.kind == "score" else document.kind
            found = api.call("POST", f"/api/{resource}/check", {"text": document.text})
            return [Finding(one["severity"], one["place"], one["what"], one["line"]) for one in found]
    return []


def error_of(finding: Finding, path: Path) -> Invalid:
    """The finding as an error."""
    return Invalid(finding.what, place=finding.place, source=str(path), line=finding.line)


def publish(found: Iterable[Document], api: Api) -> Any:
    """Make them hold from now on, all of them or none but the channels; answers the names of what was."""
    documents = list(found)
    files = [{"path": str(one.path), "text": one.text} for one in documents if one.kind != CHANNELS]
    done = api.call("PATCH", "/api/definitions", {"files": files})["published"] if files else []
    for one in documents:
        if one.kind == CHANNELS:
            api.call("PUT", "/api/channels", one.data)
            done.append({"kind": CHANNELS, "name": ""})
    return done


def _check_journey(document: Document, api: Api | None) -> list[Finding]:
    from sojourn.journey.check import check as findings
    from sojourn.journey.text import line_of, read_journey

    draft = read_journey(document.text, str(document.path))
    found = (
        api.call("POST", "/api/journeys/check", {"text": document.text})
        if api
        else msgspec.to_builtins(findings(draft))
    )
    places = [f"steps.{one['step']}" if one["step"] else "journey" for one in found]
    return [
        Finding(one["severity"], place, one["what"], line_of(document.text, place))
        for one, place in zip(found, places, strict=True)
    ]


def _check_template(document: Document) -> list[Finding]:
    from sojourn.message.template import findings
    from sojourn.runtime.publishing.published import read_template

    found = findings(read_template(document.text, str(document.path)))
    return [Finding("warning", one.place, one.what) for one in found]
