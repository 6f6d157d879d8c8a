"""Publishes journeys: a draft becomes a version for ever, if nothing is wrong with it."""

from __future__ import annotations

from sqlalchemy import Connection

from sojourn.errors import Invalid
from sojourn.journey.check import ERROR, Finding, Known, check, events_from_outside
from sojourn.journey.definition import Journey
from sojourn.journey.text import read_journey
from sojourn.runtime.history import History
from sojourn.runtime.published import definitions
from sojourn.store import names
from sojourn.store.definitions import journeys, segments, templates
from sojourn.store.definitions.journeys import Version

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
    return history.seen(asked) | (names.some(connection, MOST_MEANT) - asked)


def publish(connection: Connection, text: str, now: int, source: str = "") -> Version:
    """Make a version of the journey that a text describes, which takes all new runs from now on.

    Raises Invalid for the first thing that forbids it.
    """
    draft = read_journey(text, source)
    for finding in findings(connection, draft):
        if finding.severity == ERROR:
            raise Invalid(finding.what, place=f"steps.{finding.step}" if finding.step else "", source=source)
    known = {one.name for one in journeys.every(connection)}
    if draft.name in known:
        journeys.save_draft(connection, draft.name, text, now)
    else:
        journeys.create(connection, draft.name, text, now)
    return journeys.publish(connection, draft.name, text, now)
