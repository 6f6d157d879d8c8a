"""The policy as a text: `policy: {consent: …, caps: …}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from sojourn.journey.text.source import Source, written
from sojourn.message import policy as policies
from sojourn.runtime.definitions.kind import DefinitionKind, only
from sojourn.runtime.publishing.published import POLICY as SETTING
from sojourn.store.definitions import settings


def _check(_: str, __: str, data: Mapping[str, Any]) -> str:
    only(data, "policy")
    policies.parse(data["policy"])
    return ""


def _every(connection: Connection) -> Iterator[tuple[str, str]]:
    value = settings.get(connection, SETTING)
    if value is not None:
        yield "", settings.text(connection, SETTING) or written({"policy": value})


def _save(connection: Connection, _: str, text: str, __: int) -> None:
    data = Source(text).data()
    assert isinstance(data, Mapping)
    settings.put(connection, SETTING, data["policy"], text=text)


def _remove(connection: Connection, _: str, __: int) -> None:
    settings.remove(connection, SETTING)


POLICY = DefinitionKind("policy", "policy", 10, "", _check, _every, _save, _remove)
