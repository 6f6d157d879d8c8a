"""The terms of proof as a text: `proof: {holdout: 5%, money: …}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from sojourn.journey.text.source import Source, written
from sojourn.runtime.definitions.kind import DefinitionKind, only
from sojourn.runtime.proving import terms
from sojourn.runtime.proving.terms import PROOF as SETTING
from sojourn.store.definitions import settings


def _check(_: str, __: str, data: Mapping[str, Any]) -> str:
    only(data, "proof")
    terms.parse(data["proof"])
    return ""


def _every(connection: Connection) -> Iterator[tuple[str, str]]:
    if settings.get(connection, SETTING) is not None:
        found = terms.load(connection)
        money = {"event": found.money.event, "property": list(found.money.properties)}
        money |= {"currency": found.money.currency} if found.money.currency else {}
        said = {"holdout": found.holdout, "money": money, "margin": found.margin}
        yield "", settings.text(connection, SETTING) or written({"proof": said})


def _save(connection: Connection, _: str, text: str, now: int) -> None:
    data = Source(text).data()
    assert isinstance(data, Mapping)
    terms.save(connection, terms.parse(data["proof"]), now, text=text)


def _remove(connection: Connection, _: str, __: int) -> None:
    settings.remove(connection, SETTING)


PROOF = DefinitionKind("proof", "proof", 15, "", _check, _every, _save, _remove)
