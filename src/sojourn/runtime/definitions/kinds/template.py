"""Templates as texts: `{name: welcome, subject: …}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from sojourn.runtime.definitions.kind import DefinitionKind
from sojourn.runtime.publishing.published import read_template
from sojourn.store.definitions import templates


def _check(text: str, path: str, _: Mapping[str, Any]) -> str:
    return read_template(text, path).name


def _every(connection: Connection) -> Iterator[tuple[str, str]]:
    return ((one.name, one.text) for one in templates.every(connection))


def _save(connection: Connection, name: str, text: str, now: int) -> None:
    templates.save(connection, name, text, now)


def _remove(connection: Connection, name: str, _: int) -> None:
    templates.remove(connection, name)


TEMPLATE = DefinitionKind("template", "name", 40, "templates", _check, _every, _save, _remove)
