"""Publishes journeys: a draft becomes a version for ever, if nothing is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from sojourn.errors import Invalid, NotFound
from sojourn.journey.check import ERROR, Finding, Known, check, events_from_outside
from sojourn.journey.definition import Journey
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.lake.layout import Wanted
from sojourn.runtime.catalogue import Offered
from sojourn.runtime.history import History
from sojourn.runtime.publishing.moving import Fate, Inside, move, preview
from sojourn.runtime.publishing.pausing import KEEP_COUNTING, resume
from sojourn.runtime.publishing.published import definitions, published
from sojourn.store import customers, runs
from sojourn.store import names as seen
from sojourn.store.definitions import journeys, segments, templates
from sojourn.store.definitions.journeys import Version
from sojourn.store.names import Names
from sojourn.tape.tape import Ints, Tape

STAY = Inside()

NEW = 0
"""The number of a version that is not yet published."""

MOST_MEANT = 2_000
"""Names among which one that was meant is looked for."""


def findings(connection: Connection, draft: Journey, history: History | None = None) -> list[Finding]:
    """What is wrong with a draft in this installation: templates and segments that are not there, too.

    With the `history` also events that nobody has ever sent.
    """
    known = Known(
        templates=[one.name for one in templates.every(connection)],
        segments=[one.name for one in segments.every(connection)],
        events=_events(connection, draft, history) if history else None,
        definitions=definitions(connection)[0],
    )
    return check(draft, known)


def _events(connection: Connection, draft: Journey, history: History) -> frozenset[str]:
    """Names of events that were seen.  That the store knows a name does not say so: journeys listen to it."""
    asked = frozenset(event for _, event in events_from_outside(draft))
    return history.seen(asked) | (seen.some(connection, MOST_MEANT) - asked)


def publish(
    connection: Connection,
    text: str,
    now: int,
    source: str = "",
    *,
    names: Names | None = None,
    inside: Inside = STAY,
) -> Version:
    """Make a version of the journey that a text describes, which takes all new runs from now on.

    A journey that was paused stays so, one that was archived goes on.  `inside` says what becomes of those
    on older versions; `names` are needed to move them.  Raises Invalid for the first thing that forbids it.
    """
    draft = read_journey(text, source)
    for finding in findings(connection, draft):
        if finding.severity == ERROR:
            raise Invalid(finding.what, place=f"steps.{finding.step}" if finding.step else "", source=source)
    states = {one.name: one.state for one in journeys.every(connection)}
    if draft.name in states:
        journeys.save_draft(connection, draft.name, text, now)
    else:
        journeys.create(connection, draft.name, text, now)
    version = journeys.publish(connection, draft.name, text, now)
    if names and inside.kind != STAY.kind:
        move(connection, names, offered(connection, draft.name), inside, now)
    match states.get(draft.name):
        case "paused":
            runs.rest(connection, version.journey)
        case "archived":
            resume(connection, draft.name, KEEP_COUNTING, now)
    return version


def foretell(
    connection: Connection, text: str, history: History, inside: Inside, now: int, source: str = ""
) -> list[Fate]:
    """What would become of those inside if this text were published now."""
    draft = read_journey(text, source)
    if draft.name not in {one.name for one in journeys.every(connection)}:
        return []
    catalogue, present = published(connection), offered(connection, draft.name)
    following = replace(present, programs=(*present.programs, Program(draft, NEW)))

    def tape(owners: Ints) -> Tape:
        subjects = [customers.subjects_of(connection, owner)["id"] for owner in owners.tolist()]
        return history.tape(Wanted(subjects=np.concatenate(subjects)))

    return preview(connection, tape, catalogue, following, inside, now)


def newest(connection: Connection, name: str) -> Program:
    """The newest version of a journey, be it paused or not; raises NotFound where none is published."""
    found = offered(connection, name)
    if not found.programs:
        raise NotFound(f"journey {name!r} has not been published yet")
    return found.newest


def offered(connection: Connection, name: str) -> Offered:
    """A journey with its versions in use, the newest last."""
    journey = journeys.find(connection, name)
    versions = [one for one in journeys.in_use(connection) if one.journey == journey.id]
    return Offered(journey.id, tuple(Program(read_journey(one.text), one.id) for one in versions))
