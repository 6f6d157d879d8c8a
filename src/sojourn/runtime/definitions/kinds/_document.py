"""Makes kinds whose definitions are documents of the store: what they mean as JSON beside what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from sojourn.journey.text.source import written
from sojourn.runtime.belonging.defining import read, read_text
from sojourn.runtime.definitions.kind import DefinitionKind
from sojourn.store.definitions import documents
from sojourn.store.definitions.documents import Kind


def document_kind(name: Kind, order: int, folder: str) -> DefinitionKind:
    """The declaration of such a kind, told by a key of its own name; without a folder there is one of it."""

    def check(_: str, __: str, data: Mapping[str, Any]) -> str:
        called = read(name, data).name
        return called if folder else ""

    def every(connection: Connection) -> Iterator[tuple[str, str]]:
        for one in documents.every(connection, name):
            yield one.name if folder else "", one.text or written(msgspec.json.decode(one.definition))

    def save(connection: Connection, _: str, text: str, now: int) -> None:
        # Whether it leads back to itself is asked when all is there that comes with it.
        defined = read_text(name, text)
        said = msgspec.json.encode(defined.data).decode()
        documents.save(connection, name, defined.name, said, now, text=text)

    def remove(connection: Connection, called: str, _: int) -> None:
        documents.remove(connection, name, called or name)

    return DefinitionKind(name, name, order, folder, check, every, save, remove)
