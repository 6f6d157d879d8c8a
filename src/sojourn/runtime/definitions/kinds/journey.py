"""Journeys as texts: what is published, paused or not; drafts stay with those who are at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from sojourn.journey.text import read_journey
from sojourn.runtime.definitions.kind import DefinitionKind
from sojourn.runtime.publishing import pausing
from sojourn.runtime.publishing.publish import publish
from sojourn.store.definitions import journeys
from sojourn.store.definitions.journeys import Journey

_RUNS = ("live", "paused")


def _check(text: str, path: str, _: Mapping[str, Any]) -> str:
    return read_journey(text, path).name


def _every(connection: Connection) -> Iterator[tuple[str, str]]:
    for journey in journeys.every(connection):
        if journey.state in _RUNS:
            yield journey.name, journeys.of_journey(connection, journey.id)[-1].text


def drafts(connection: Connection) -> list[str]:
    """The journeys whose draft is not what is published."""
    held = dict(_every(connection))
    return [one.name for one in journeys.every(connection) if _is_ahead(one, held.get(one.name))]


def _save(connection: Connection, name: str, text: str, now: int) -> None:
    """Publish it: a journey that is paused stays so, and a draft that somebody is at is not touched."""
    before = next((one for one in journeys.every(connection) if one.name == name), None)
    ahead = before and _is_ahead(before, dict(_every(connection)).get(name))
    publish(connection, text, now)
    if before and ahead:
        journeys.save_draft(connection, name, before.draft, now)


def _is_ahead(journey: Journey, published: str | None) -> bool:
    return journey.state != "archived" and journey.draft != published


def _remove(connection: Connection, name: str, now: int) -> None:
    pausing.archive(connection, name, now)


JOURNEY = DefinitionKind("journey", "journey", 90, "journeys", _check, _every, _save, _remove)
