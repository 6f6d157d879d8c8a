"""Segments as texts: `{segment: lapsed, rule: …}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from sojourn.errors import Invalid
from sojourn.journey.text.source import Source, written
from sojourn.rule.text import dump, parse
from sojourn.runtime.definitions.kind import DefinitionKind, only
from sojourn.store.definitions import segments


def _check(_: str, __: str, data: Mapping[str, Any]) -> str:
    only(data, "segment", "rule")
    if not isinstance(data["segment"], str) or not data["segment"].strip():
        raise Invalid("must be a text", place="segment")
    parse(data.get("rule"), "rule")
    return data["segment"]


def _every(connection: Connection) -> Iterator[tuple[str, str]]:
    for one in segments.every(connection):
        rule = msgspec.json.decode(one.rule)
        yield one.name, one.text or written({"segment": one.name, "rule": rule})


def _save(connection: Connection, name: str, text: str, now: int) -> None:
    data = Source(text).data()
    assert isinstance(data, Mapping)
    rule = msgspec.json.encode(dump(parse(data["rule"], "rule"))).decode()
    segments.save(connection, name, rule, now, text=text)


def _remove(connection: Connection, name: str, _: int) -> None:
    segments.remove(connection, name)


SEGMENT = DefinitionKind("segment", "segment", 30, "segments", _check, _every, _save, _remove)
