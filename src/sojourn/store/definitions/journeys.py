"""Journeys: the draft that people edit, and the versions that were published, which never change."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sojourn.errors import Conflict, NotFound
from sojourn.store.definitions.stamp import changed
from sojourn.store.tables import journeys, versions


class Journey(msgspec.Struct, frozen=True):
    """A journey as people know it; `state` is draft, live, paused or archived."""

    id: int
    name: str
    draft: str  # YAML
    state: str
    created: int  # microseconds UTC
    updated: int
    etag: int
    paused: int = 0  # microseconds UTC, when it was paused last


class Version(msgspec.Struct, frozen=True):
    """What was published; `state` is open (new runs enter), closing (those inside finish) or closed."""

    id: int
    journey: int
    number: int
    text: str  # YAML
    published: int  # microseconds UTC
    state: str


def create(connection: Connection, name: str, draft: str, now: int) -> Journey:
    """A new journey with a draft; raises Conflict when the name is taken."""
    row = {"name": name, "draft": draft, "state": "draft", "created": now, "updated": now}
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(journeys).values(row))
    except IntegrityError as error:
        raise Conflict(f"there is a journey {name!r} already") from error
    return find(connection, name)


def find(connection: Connection, name: str) -> Journey:
    """The journey of that name; raises NotFound."""
    found = connection.execute(sa.select(journeys).where(journeys.c.name == name)).one_or_none()
    if found is None:
        raise NotFound(f"there is no journey {name!r}")
    return Journey(*found)


def every(connection: Connection) -> list[Journey]:
    """All journeys, by name."""
    return [Journey(*row) for row in connection.execute(sa.select(journeys).order_by(journeys.c.name))]


def save_draft(
    connection: Connection, name: str, draft: str, now: int, *, match: int | None = None
) -> Journey:
    """Write a draft; raises NotFound, or Conflict when it has another etag than `match`, which was read."""
    present = find(connection, name)
    same = sa.update(journeys).where(
        journeys.c.id == present.id, journeys.c.etag == (present.etag if match is None else match)
    )
    written = connection.execute(same.values(draft=draft, updated=now, etag=journeys.c.etag + 1)).rowcount
    if not written:
        raise Conflict(f"journey {name!r} has been changed since it was read")
    return find(connection, name)


def publish(connection: Connection, name: str, text: str, now: int) -> Version:
    """Make a version that takes all new runs; the one before it is closing.  Raises NotFound.

    A journey that rests goes on resting: to let it go on is another decision.
    """
    journey = find(connection, name)
    before = connection.scalar(
        sa.select(sa.func.max(versions.c.number)).where(versions.c.journey == journey.id)
    )
    set_version_state(connection, journey.id, "open", "closing")
    row = {
        "journey": journey.id,
        "number": (before or 0) + 1,
        "text": text,
        "published": now,
        "state": "open",
    }
    connection.execute(sa.insert(versions).values(row))
    set_state(connection, name, "paused" if journey.state in ("paused", "archived") else "live", now)
    return of_journey(connection, journey.id)[-1]


def set_state(connection: Connection, name: str, state: str, now: int) -> None:
    """Say that a journey is live, paused or archived; raises NotFound."""
    same = sa.update(journeys).where(journeys.c.name == name)
    rests = {"paused", "archived"}
    paused = {"paused": now} if state in rests and find(connection, name).state not in rests else {}
    values = {"state": state, "updated": now, "etag": journeys.c.etag + 1, **paused}
    if not connection.execute(same.values(values)).rowcount:
        raise NotFound(f"there is no journey {name!r}")
    changed(connection)


def set_version_state(connection: Connection, journey: int, state: str, to: str) -> None:
    """Move those versions of a journey that are in one state to another."""
    these = sa.update(versions).where(versions.c.journey == journey, versions.c.state == state)
    connection.execute(these.values(state=to))
    changed(connection)


def of_journey(connection: Connection, journey: int) -> list[Version]:
    """All versions of a journey, the oldest first."""
    chosen = sa.select(versions).where(versions.c.journey == journey).order_by(versions.c.number)
    return [Version(*row) for row in connection.execute(chosen)]


def in_use(connection: Connection, states: Sequence[str] = ("open", "closing")) -> list[Version]:
    """The versions of all journeys in these states, by journey and number."""
    chosen = sa.select(versions).where(versions.c.state.in_(states))
    return [
        Version(*row) for row in connection.execute(chosen.order_by(versions.c.journey, versions.c.number))
    ]
