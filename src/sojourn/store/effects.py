"""The effect ledger (promises M1, M2): every effect on the world, who holds it and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection, Select

from sojourn.store.access.rows import among, fetch, insert_missing, is_postgres, taken, update, update_where
from sojourn.store.tables import NEVER, PARTITIONS, effects, journeys
from sojourn.tape.tape import Bools, Ints

MESSAGE, NOTICE = "send", "notice"
"""The kinds of effects: what a customer is told, and what the team is told about one."""


class State(IntEnum):
    """Where an effect stands; the partial indexes of the table name the first five by number."""

    PLANNED = 0
    CLAIMED = 1  # a dispatcher prepares it
    SENDING = 2  # the intent is committed; the first byte may have gone
    ACCEPTED = 3  # the far side took it
    DEFERRED = 4  # to be tried again when due
    FAILED = 5
    UNKNOWN = 6  # taken or not: nobody can tell
    DELIVERED = 7
    BOUNCED = 8
    COMPLAINED = 9
    SUPPRESSED = 10
    CANCELLED = 11


_OPEN = (State.SENDING, State.DEFERRED, State.UNKNOWN)
_REPORTED = (State.ACCEPTED, State.FAILED, State.DELIVERED, State.BOUNCED, State.COMPLAINED)
"""What a report may say, each further than the one before: who has it at last had it, whoever says else."""

_WAITING = sa.text("state IN (0, 4)")  # as the partial index says it
_LEASED = sa.text("state IN (1, 2)")
_HELD = f"effects.state IN ({State.CLAIMED:d}, {State.SENDING:d})"


@dataclass(frozen=True, eq=False)
class Planned:
    """n effects as a tick plans them."""

    keys: Ints  # int64[n]
    runs: Ints  # int64[n], 0 where of no run
    versions: Ints
    journeys: Ints
    steps: Ints
    customers: Ints
    partitions: Ints
    channels: Sequence[str]
    templates: Sequence[str]
    purposes: Sequence[str]
    kinds: Sequence[str]
    data: Sequence[str]  # JSON that dispatching needs and the template does not know
    planned: Ints  # int64[n], microseconds UTC: the instant that decided it
    due: Ints  # int64[n], microseconds UTC: not to be sent earlier

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class Effects(Planned):
    """n effects as they stand in the ledger."""

    states: Ints  # int64[n], of State
    fences: Ints  # int64[n]: who claims raises it, whoever writes must show it
    attempts: Ints
    leases: Ints  # int64[n], microseconds UTC until which the claim holds
    provider_refs: Sequence[str]
    reasons: Sequence[str]
    contents: Ints  # int64[n], hash of the frozen message, 0 before
    intended: Ints  # int64[n], microseconds UTC of the last intent, 0 before

    def take(self, rows: Ints) -> Effects:
        """The effects at these rows of this."""
        return taken(self, rows)


@dataclass(frozen=True, eq=False)
class Settled:
    """What became of n effects that the caller holds."""

    keys: Ints
    fences: Ints
    states: Ints
    due: Ints  # int64[n], microseconds UTC: of a deferred one, when to try again
    provider_refs: Sequence[str]
    reasons: Sequence[str]


def plan(
    connection: Connection, planned: Planned, states: Ints | None = None, reasons: Sequence[str] = ()
) -> Bools:
    """Write new effects, by default as planned; bool[n], which of n were new: a replay plans none twice."""
    rows = {column: getattr(planned, part) for column, part in _PLANNED.items()}
    if states is not None:
        rows |= {"state": states, "reason": reasons}
    return insert_missing(connection, effects, rows, ["key"])


def claim(connection: Connection, now: int, limit: int, lease: int, channels: Sequence[str] = ()) -> Effects:
    """Take due effects, those due first first, under a new fence until `now + lease` microseconds.

    What another dispatcher claimed and let expire before its intent was committed is free again:
    nothing of it was sent.  No two callers get the same effect under one fence.
    """
    _free(connection, now)
    chosen = sa.select(effects.c.key).where(_WAITING, effects.c.due <= now).order_by(effects.c.due)
    if channels:
        chosen = chosen.where(effects.c.channel.in_(channels))
    return _take(connection, chosen.limit(limit), State.CLAIMED, now + lease)


def take_over(
    connection: Connection, now: int, limit: int, lease: int, channels: Sequence[str] = ()
) -> Effects:
    """Take effects whose intent was committed and whose lease has ended: their sender is gone.

    With `channels`, only of these.  They may or may not have been sent: the caller settles each by its
    channel's class (M3).
    """
    lost = sa.select(effects.c.key).where(_LEASED, effects.c.state == State.SENDING, effects.c.lease <= now)
    if channels:
        lost = lost.where(effects.c.channel.in_(channels))
    return _take(connection, lost.order_by(effects.c.lease).limit(limit), State.SENDING, now + lease)


def intend(connection: Connection, keys: Ints, fences: Ints, contents: Ints, now: int, lease: int) -> Bools:
    """Commit the intent to send: answers which of n the caller still holds, bool[n]; only those may be sent.

    Counts the attempt, keeps its instant `now` and the content's hash; the lease is prolonged until
    `now + lease` microseconds.
    """
    rows = {"key": keys, "fence": fences, "content": contents}
    rows |= _all(keys, state=State.SENDING, lease=now + lease, intended=now)
    claimed = f"effects.state = {State.CLAIMED:d}"
    return update_where(connection, effects, rows, ["key", "fence"], claimed, also="attempts = attempts + 1")


def prolong(connection: Connection, keys: Ints, fences: Ints, until: int) -> Bools:
    """Hold effects longer, `until` an instant; bool[n], which of n the caller still holds."""
    rows = {"key": keys, "fence": fences} | _all(keys, lease=until)
    return update_where(connection, effects, rows, ["key", "fence"], _HELD)


def let_go(connection: Connection, keys: Ints, fences: Ints) -> None:
    """Give back what the caller has claimed and not begun, for anybody to take."""
    rows = {"key": keys, "fence": fences} | _all(keys, state=State.PLANNED)
    update_where(connection, effects, rows, ["key", "fence"], f"effects.state = {State.CLAIMED:d}")


def orphan(connection: Connection, now: int) -> None:
    """End all leases: where one process sends and it has just begun, whoever held them is gone."""
    connection.execute(sa.update(effects).where(_LEASED, effects.c.lease > now).values(lease=now))


def settle(connection: Connection, settled: Settled) -> Bools:
    """Write what became of effects; bool[n], which of n the caller still held: others are untouched."""
    rows = {
        "key": settled.keys,
        "fence": settled.fences,
        "state": settled.states,
        "due": settled.due,
        "provider_ref": settled.provider_refs,
        "reason": settled.reasons,
    }
    return update_where(connection, effects, rows, ["key", "fence"], _HELD)


def report(connection: Connection, keys: Ints, states: Ints, reasons: Sequence[str]) -> Bools:
    """Write what the far side told later (taken, failed, delivered …); bool[n], which of n moved.

    A state only moves forward, whatever the order of the reports (P33); evidence settles what is unknown,
    and ends the wait for another attempt.
    """
    moved = np.zeros(len(keys), np.bool_)
    for state in np.unique(states).tolist():  # a handful of states
        chosen = np.flatnonzero(states == state)
        rows = {
            "key": keys[chosen],
            "state": states[chosen],
            "reason": [reasons[row] for row in chosen.tolist()],
        }
        behind = ", ".join(str(int(one)) for one in _behind(State(state)))
        moved[chosen] = update_where(connection, effects, rows, ["key"], f"effects.state IN ({behind})")
    return moved


def overtaken(connection: Connection, keys: Ints, fences: Ints) -> Bools:
    """Which of n effects a report moved while the caller held them, bool[n]: they are settled already."""
    found = by_key(connection, keys)
    beyond = np.isin(found.states, [int(state) for state in _REPORTED])
    held = set(zip(found.keys[beyond].tolist(), found.fences[beyond].tolist(), strict=True))
    return np.array([one in held for one in zip(keys.tolist(), fences.tolist(), strict=True)], np.bool_)


def cancel(connection: Connection, keys: Ints, state: State, reason: str) -> Bools:
    """Stop effects that nobody has begun to send (cancelled, suppressed); bool[n], which were stopped."""
    rows = {"key": keys, "reason": [reason] * len(keys)} | _all(keys, state=state)
    return update_where(connection, effects, rows, ["key"], "effects.state IN (0, 1, 4)")


def rest(connection: Connection, journey: int) -> None:
    """Let nothing of a journey begin that has not begun, until `wake`."""
    waiting = sa.update(effects).where(effects.c.journey == journey, _WAITING)
    connection.execute(waiting.values(due=NEVER))


def put_to_rest(connection: Connection, keys: Ints, fences: Ints) -> frozenset[int]:
    """Those of n claimed effects whose journey rests, given back until it goes on."""
    held = among(connection, effects.c.key, keys)
    resting = sa.select(effects.c.key).join(journeys, journeys.c.id == effects.c.journey)
    found = connection.scalars(resting.where(held, journeys.c.state.in_(("paused", "archived")))).all()
    if found:
        mine = np.isin(keys, np.array(found, np.int64))
        let_go(connection, keys[mine], fences[mine])
        given_back = among(connection, effects.c.key, keys[mine])
        connection.execute(sa.update(effects).where(given_back, _WAITING).values(due=NEVER))
    return frozenset(int(key) for key in found)


def wake(connection: Connection, journey: int, due: int) -> None:
    """Let what rests of a journey begin."""
    resting = sa.update(effects).where(effects.c.journey == journey, _WAITING, effects.c.due == NEVER)
    connection.execute(resting.values(due=due))


def replan(connection: Connection, keys: Ints, now: int) -> Bools:
    """Plan again what failed, or of which nobody knows; bool[n], which of n were that: all else stays."""
    rows: dict[str, Any] = {"key": keys, "reason": ["sent again by hand"] * len(keys)}
    rows |= _all(keys, state=State.PLANNED, due=now)
    ended = f"effects.state IN ({State.FAILED:d}, {State.UNKNOWN:d})"
    return update_where(connection, effects, rows, ["key"], ended)


def in_state(connection: Connection, state: State, limit: int) -> Effects:
    """The latest effects in a state, newest first: a scan, for people who ask."""
    chosen = sa.select(effects).where(effects.c.state == int(state))
    return _fetch(connection, chosen.order_by(effects.c.planned.desc(), effects.c.key).limit(limit))


def hand_over(connection: Connection, before: Ints, owners: Mapping[int, int]) -> None:
    """Give the effects of runs that customers `before` had to their runs' owners now, by run."""
    mine = sa.select(effects.c.key, effects.c.run).where(among(connection, effects.c.customer, before))
    found = fetch(connection, mine)
    moved = np.isin(found["run"], list(owners))
    customers = np.array([owners[run] for run in found["run"][moved].tolist()], np.int64)
    rows = {"key": found["key"][moved], "customer": customers, "partition": customers % PARTITIONS}
    update(connection, effects, rows, ["key"])


def of_customer(connection: Connection, customer: int, limit: int = 1000) -> Effects:
    """The latest effects of one customer, newest first."""
    chosen = sa.select(effects).where(effects.c.customer == customer)
    return _fetch(connection, chosen.order_by(effects.c.planned.desc(), effects.c.key).limit(limit))


def by_key(connection: Connection, keys: Ints) -> Effects:
    """These effects, in order of key; those that do not exist are left out."""
    return _fetch(
        connection, sa.select(effects).where(among(connection, effects.c.key, keys)).order_by(effects.c.key)
    )


def next_due(connection: Connection, channels: Sequence[str] | None = None) -> int | None:
    """The earliest instant at which a claim may find something: a due effect or a lease that ends.

    With `channels`, only of these: what waits for a channel that is not open is not due.
    """
    waiting = sa.select(sa.func.min(effects.c.due)).where(_WAITING)
    leased = sa.select(sa.func.min(effects.c.lease)).where(_LEASED)
    if channels is not None:
        waiting, leased = (chosen.where(effects.c.channel.in_(channels)) for chosen in (waiting, leased))
    instants = (connection.scalar(chosen) for chosen in (waiting, leased))
    return min((instant for instant in instants if instant is not None), default=None)


def counts(connection: Connection) -> dict[State, int]:
    """How many effects stand in each state."""
    found = connection.execute(sa.select(effects.c.state, sa.func.count()).group_by(effects.c.state))
    return {State(state): n for state, n in found}


_PLANNED = dict(
    zip(
        (
            "key", "run", "version", "journey", "step", "customer", "partition", "channel", "template",
            "purpose", "kind", "data", "planned", "due",
        ),
        (field.name for field in fields(Planned)),
        strict=True,
    )
)  # fmt: skip
"""Column of the table → field of Planned."""

_COLUMNS = _PLANNED | {
    "state": "states",
    "fence": "fences",
    "attempts": "attempts",
    "lease": "leases",
    "provider_ref": "provider_refs",
    "reason": "reasons",
    "content": "contents",
    "intended": "intended",
}
"""Column of the table → field of Effects."""


def _behind(state: State) -> tuple[State, ...]:
    """From where a report of this state moves on."""
    return (*_OPEN, *_REPORTED[: _REPORTED.index(state)])


def _free(connection: Connection, now: int) -> None:
    expired = sa.update(effects).where(_LEASED, effects.c.state == State.CLAIMED, effects.c.lease <= now)
    connection.execute(expired.values(state=int(State.PLANNED), fence=effects.c.fence + 1))


def _take(connection: Connection, chosen: Select[Any], state: State, lease: int) -> Effects:
    """Raise the fence of the chosen effects; rows that others are taking just now are passed by."""
    if is_postgres(connection):
        chosen = chosen.with_for_update(skip_locked=True)
    key = sa.select(chosen.cte("chosen").c.key)  # as a CTE it is run once, whatever the plan
    taken = sa.update(effects).where(effects.c.key.in_(key))
    taken = taken.values(state=int(state), fence=effects.c.fence + 1, lease=lease)
    return _fetch(connection, taken.returning(*effects.c))


def _all(keys: Ints, **values: int) -> dict[str, Ints]:
    return {name: np.full(len(keys), value, np.int64) for name, value in values.items()}


def _fetch(connection: Connection, chosen: Any) -> Effects:
    rows = fetch(connection, chosen)
    return Effects(**{part: rows[column] for column, part in _COLUMNS.items()})
