"""What the demo shows and reconciles: numbers out of the store, counted again from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.store import counts, effects
from sojourn.store.definitions import journeys
from sojourn.store.effects import State
from sojourn.store.messages import PIXEL
from sojourn.store.tables import effects as ledger
from sojourn.store.tables import events, hits, names

TAKEN = (State.ACCEPTED, State.DELIVERED, State.BOUNCED, State.COMPLAINED)
"""States of messages that the mail server has taken."""


@dataclass(frozen=True)
class Step:
    """One step of a journey in figures."""

    id: str
    visits: int
    waiting: int


@dataclass(frozen=True)
class Journey:
    """One journey in figures; `left` by reason, `goal` among them."""

    name: str
    entered: int
    left: Mapping[str, int]
    steps: tuple[Step, ...]

    @property
    def waiting(self) -> int:
        """How many are inside."""
        return sum(step.waiting for step in self.steps)


@dataclass(frozen=True)
class Figures:
    """All of it at one instant."""

    now: int = 0
    events: int = 0  # of the log
    journeys: tuple[Journey, ...] = ()
    messages: Mapping[State, int] = field(default_factory=dict)
    opens: int = 0
    clicks: int = 0


def figures(connection: Connection, now: int) -> Figures:
    """The figures of one reading."""
    opens, clicks = visits(connection)
    return Figures(
        now=now,
        events=connection.scalar(sa.select(sa.func.max(events.c.position))) or 0,
        journeys=tuple(_journey(connection, one) for one in journeys.every(connection)),
        messages=effects.counts(connection),
        opens=opens,
        clicks=clicks,
    )


def visits(connection: Connection, agent: str = "") -> tuple[int, int]:
    """How many opens and clicks were written down, of one browser or of all."""
    of_agent = hits.c.agent == agent if agent else sa.true()
    counted = sa.select(sa.func.count()).select_from(hits).where(of_agent)
    opens = connection.scalar(counted.where(hits.c.n == PIXEL)) or 0
    return opens, (connection.scalar(counted.where(hits.c.n != PIXEL)) or 0)


def events_of(connection: Connection, name: str = "", origin: int = 0) -> int:
    """How many events the log holds of a name, of an origin, or of both."""
    chosen = sa.select(sa.func.count()).select_from(events)
    if name:
        chosen = chosen.join(names, names.c.code == events.c.name).where(names.c.name == name)
    if origin:
        chosen = chosen.where(events.c.origin == origin)
    return connection.scalar(chosen) or 0


def keys_of(connection: Connection, origin: int) -> set[int]:
    """The keys of all events of an origin."""
    return set(connection.scalars(sa.select(events.c.key).where(events.c.origin == origin)))


def taken(connection: Connection) -> set[str]:
    """The effects, as 16 hex digits, that the mail server has taken by the ledger."""
    keys = connection.scalars(sa.select(ledger.c.key).where(ledger.c.state.in_(TAKEN)))
    return {f"{key:016x}" for key in keys}


def _journey(connection: Connection, journey: journeys.Journey) -> Journey:
    entered, left = 0, Counter[str]()
    visits, gone = Counter[str](), Counter[str]()
    order: dict[str, None] = {}
    for version in journeys.of_journey(connection, journey.id):
        ids = [placed.id for placed in Program(read_journey(version.text)).placed]
        order |= dict.fromkeys(ids)
        for (_, step, what, name), n in counts.of_version(connection, version.id).items():
            id_ = ids[step] if step >= 0 else ""
            match what:
                case "entered":
                    entered += n
                case "visit":
                    visits[id_] += n
                case "exit" | "over":  # who went over came into another version
                    gone[id_] += n
                case "left":
                    left[name] += n
                    gone[id_] += n
    steps = tuple(Step(id_, visits[id_], visits[id_] - gone[id_]) for id_ in order)
    return Journey(journey.name, entered, left, steps)
