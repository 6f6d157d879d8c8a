"""Writes docs/reference: the JSON Schema of a journey's text, and what each kind of step declares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sojourn.journey.step import Step, StepKind
from sojourn.journey.text import kinds
from sojourn.journey.text.schema import schema

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
GROUPS = {
    "time": "Time",
    "decide": "Decisions",
    "say": "Messages",
    "do": "The customer",
    "connect": "Other systems",
    "end": "The end",
}
HEAD = """# Steps

What each kind of step is called, what it does, what can be set, and an example. A step is an id with one
of these as its key ([the guide](../journeys.md) tells the rest); [journey.schema.json](journey.schema.json)
says the same to editors.  Made by `make fix` from what the kinds declare (`tools/journey_reference.py`);
do not edit.
"""


def write() -> None:
    """Write the documents anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text)


def documents() -> dict[str, str]:
    """The texts that the documents should have, by file."""
    return {"journey.schema.json": f"{json.dumps(schema(), indent=2)}\n", "steps.md": _steps()}


def _steps() -> str:
    parts = [HEAD]
    for group, title in GROUPS.items():
        mine = [kind for kind in kinds().values() if kind.group == group]
        parts += [f"## {title}\n", *map(_kind, mine)] if mine else []
    return "\n".join(parts)


def _kind(kind: StepKind) -> str:
    rows = [f"| {name} | {what} |" for name, what in _settings(kind)]
    table = ["| setting | |", "|---|---|", *rows]
    example = ["```yaml", kind.example.strip(), "```"]
    return "\n".join([f"### `{kind.name}`", "", kind.summary, "", *table, "", *example, ""])


def _settings(kind: StepKind) -> Iterator[tuple[str, str]]:
    """What can be set, and what that is."""
    for one in kind.schema.get("anyOf", [kind.schema]):
        if "properties" not in one:
            yield f"`{kind.name}: …`", _said(one)
        for key, value in one.get("properties", {}).items():
            yield f"`{kind.name}: {{{key}: …}}`", _said(value)
    if kind.schema.get("type") == "array":
        yield from _ways(kind)
    for key, value in kind.beside.items():
        yield f"`{key}: …`", _said(value)
    if kind.settings.exits is Step.exits:
        yield "`then: …`", "The step that comes next; by default the one that follows."


def _ways(kind: StepKind) -> Iterator[tuple[str, str]]:
    for key, value in kind.schema["items"].get("properties", {}).items():
        yield f"`{kind.name}: [{{{key}: …}}]`", _said(value)
    yield f"`{kind.name}: [{{then: …}}]`", "Where this way leads; by default to the step that follows."


def _said(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    by_default = "" if default is None else f" By default {json.dumps(default)}."
    return f"{schema.get('description', '')}{by_default}"


if __name__ == "__main__":
    write()
