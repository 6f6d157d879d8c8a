"""The files that a person writes: journeys, templates, segments, the policy and the channels, as YAML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from sojourn.errors import Invalid, NotFound

if TYPE_CHECKING:
    from sojourn.cli.client import Api
    from sojourn.journey.definition import Journey

KINDS = {
    "policy": "policy",
    "proof": "proof",
    "channels": "channels",
    "segment": "segment",
    "name": "template",
    "journey": "journey",
}
"""The kinds of documents by the key that tells them, in the order in which they build on each other."""


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
    """The document in a file.  Raises NotFound or Invalid."""
    from sojourn.journey.text.source import Source

    text = read_text(path)
    data = Source(text, str(path)).data()
    keys = data if isinstance(data, dict) else {}
    for key, kind in reversed(KINDS.items()):
        if key in keys:
            name = str(keys[key]) if kind in ("segment", "template", "journey") else ""
            return Document(path, kind, name, text, keys)
    raise Invalid(f"has none of the keys that say what it is: {', '.join(KINDS)}", source=str(path))


def read_text(path: Path) -> str:
    """The text of a file.  Raises NotFound or Invalid, which name it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as missing:
        raise NotFound(f"there is no file {path}") from missing
    except (OSError, UnicodeDecodeError) as trouble:
        raise Invalid(f"cannot be read as text ({trouble})", source=str(path)) from trouble


def read_draft(path: Path) -> Journey:
    """A journey that can run.  Raises Invalid for the first thing that is wrong with it."""
    from sojourn.journey.text import read_journey

    text = read_text(path)
    draft = read_journey(text, str(path))
    for finding in check(Document(path, "journey", draft.name, text, {})):
        if finding.severity == "error":
            raise error_of(finding, path)
    return draft


def in_order(found: Iterable[Document]) -> list[Document]:
    """The documents in the order in which they build on each other."""
    order = list(KINDS.values())
    return sorted(found, key=lambda document: order.index(document.kind))


def check(document: Document, api: Api | None = None) -> list[Finding]:
    """What to look at, errors first; with an API also what is not there in its installation.

    Raises Invalid for what is no such document.
    """
    match document.kind:
        case "journey":
            return _check_journey(document, api)
        case "template":
            return _check_template(document)
        case "segment":
            from sojourn.rule.text import parse

            parse(document.data.get("rule"), "rule")
        case "policy":
            from sojourn.message.policy import parse as parse_policy

            parse_policy(document.data["policy"])
        case "proof":
            from sojourn.runtime.proving.terms import parse as parse_terms

            parse_terms(document.data["proof"])
    return []


def error_of(finding: Finding, path: Path) -> Invalid:
    """The finding as an error."""
    return Invalid(finding.what, place=finding.place, source=str(path), line=finding.line)


def publish(document: Document, api: Api) -> Any:
    """Make it hold from now on; answers what the API answers."""
    name = quote(document.name, safe="")
    match document.kind:
        case "journey":
            return api.call("POST", "/api/journeys/publish", {"text": document.text})
        case "template":
            return api.call("PUT", f"/api/templates/{name}", {"text": document.text})
        case "segment":
            return api.call("PUT", f"/api/segments/{name}", {"rule": document.data.get("rule")})
        case _:
            return api.call("PUT", f"/api/{document.kind}", document.data)


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
    from sojourn.runtime.published import read_template

    found = findings(read_template(document.text, str(document.path)))
    return [Finding("warning", one.place, one.what) for one in found]
