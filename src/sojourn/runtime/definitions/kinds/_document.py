"""Makes kinds whose definitions are documents of the store: what they mean as JSON beside what was said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from sojourn.journey.text.source import Source, written
from sojourn.runtime.definitions.kind import DefinitionKind
from sojourn.store.definitions import documents
from sojourn.store.definitions.documents import Kind

Meaning = Callable[[Mapping[str, Any]], tuple[str, Mapping[str, object]]]
"""From what a text says to its name and to the same in the one form that we write; raises Invalid."""


def document_kind(name: Kind, order: int, folder: str, meaning: Meaning) -> DefinitionKind:
    """The declaration of such a kind, told by a key of its own name."""

    def check(_: str, __: str, data: Mapping[str, Any]) -> str:
        return meaning(data)[0]

    def every(connection: Connection) -> Iterator[tuple[str, str]]:
        for one in documents.every(connection, name):
            called = one.name if folder else ""
            yield called, one.text or written(msgspec.json.decode(one.definition))

    def save(connection: Connection, called: str, text: str, now: int) -> None:
        data = Source(text).data()
        assert isinstance(data, Mapping)
        definition = msgspec.json.encode(meaning(data)[1]).decode()
        documents.save(connection, name, called or name, definition, now, text=text)

    def remove(connection: Connection, called: str, _: int) -> None:
        documents.remove(connection, name, called or name)

    return DefinitionKind(name, name, order, folder, check, every, save, remove)
