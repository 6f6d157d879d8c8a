"""What scores, lists and the lifecycle have in common as resources: texts that are checked and kept."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import msgspec
import numpy as np
from litestar import Request, Response
from sqlalchemy import Connection

from sojourn.api.etag import matched, tagged
from sojourn.api.parts import Parts
from sojourn.customer import lifecycle, scores
from sojourn.errors import Invalid
from sojourn.lake.layout import Wanted
from sojourn.rule.text.sentence import sentence
from sojourn.runtime.belonging.defining import define, findings, read, read_text
from sojourn.store.definitions import documents
from sojourn.store.definitions.documents import Document, Kind


class Text(msgspec.Struct, frozen=True):
    """A definition as YAML; JSON is YAML, too."""

    text: str


class Finding(msgspec.Struct, frozen=True):
    """What to look at in a definition; an `error` forbids that it is saved."""

    severity: str
    place: str
    what: str
    line: int = 0


class Shown(msgspec.Struct, frozen=True):
    """A definition: as it was written, as data, and what it says in sentences."""

    name: str
    text: str
    definition: dict[str, Any]
    sentences: tuple[str, ...]
    version: int


async def every(parts: Parts, kind: Kind) -> list[Shown]:
    """All definitions of a kind, by name."""
    return [shown(one) for one in await parts.read(partial(documents.every, kind=kind))]


async def one(parts: Parts, kind: Kind, name: str) -> Response[Shown]:
    """One definition; raises NotFound."""
    found = await parts.read(partial(documents.find, kind=kind, name=name))
    return tagged(shown(found), found.version)


async def save(
    request: Request[Any, Any, Any], parts: Parts, kind: Kind, name: str, text: str
) -> Response[Shown]:
    """Write a definition; raises Invalid, and Conflict where it is no more what the request has read."""
    match = matched(request)

    def write(connection: Connection) -> Document:
        return define(connection, kind, text, parts.database.now(), name=name, match=match)

    written = await parts.write(write)
    return tagged(shown(written), written.version)


async def remove(parts: Parts, kind: Kind, name: str) -> None:
    """Remove a definition; raises NotFound."""
    await parts.write(partial(documents.remove, kind=kind, name=name))


async def check(parts: Parts, kind: Kind, text: str) -> list[Finding]:
    """What is wrong with a definition, and what to look at: events and traits that were never seen, too."""
    seen = await asyncio.to_thread(_seen, parts)
    try:
        defined = read_text(kind, text)
        found = await parts.read(partial(findings, defined=defined, seen=seen))
    except Invalid as error:
        return [Finding("error", error.place, error.message, error.line)]
    return [Finding("warning", kind, what) for what in found]


def shown(document: Document) -> Shown:
    """The document as programs read it."""
    data = msgspec.json.decode(document.definition)
    return Shown(document.name, document.text, data, _sentences(document.kind, data), document.version)


def _sentences(kind: str, data: object) -> tuple[str, ...]:
    if kind == "score":
        return scores.explain(scores.parse(data))
    if kind == "lifecycle":
        return tuple(f"{stage.name}: {sentence(stage.rule)}" for stage in lifecycle.parse(data))
    return (str(read("list", data).data.get("description", "")),)


def _seen(parts: Parts) -> tuple[frozenset[str], frozenset[str]]:
    """The names of all events and traits that there ever were."""
    tape = parts.history.tape(Wanted(keys=False, runs=False))
    return frozenset(tape.vocabulary[code] for code in np.unique(tape.names)), frozenset(tape.traits)
