"""The dispatcher: claims due effects, prepares them, and sends them over as many connections as a way has.

Intents are committed for as many messages as there are free connections, in one transaction, before
the first byte of any of them; what became of them is written the same way.  So a crash leaves at most one
message a connection of which nobody knows whether it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
import numpy as np
import structlog
from sqlalchemy import Connection

from sojourn.channel.contract import Receipt
from sojourn.errors import FarSideError, OutcomeUnknown, Unavailable
from sojourn.message.template import Template
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.dispatch import ledger
from sojourn.runtime.dispatch.halt import halted
from sojourn.runtime.dispatch.outcome import Outcome, abandoned, outcome
from sojourn.runtime.dispatch.people import People
from sojourn.runtime.dispatch.prepare import Prepared, Preparing, Publicly, Refused
from sojourn.runtime.dispatch.ways import Way
from sojourn.store import effects, messages
from sojourn.store.access import crash
from sojourn.store.database import Database
from sojourn.store.effects import Effects, State
from sojourn.store.names import Names
from sojourn.store.portions import rates
from sojourn.store.reach import subscriptions

CLAIMED = 256
"""Effects claimed at once: some seconds of work for one way out."""

PROLONGED = ledger.LEASE / 3_000_000
"""Seconds after which what is not yet sent is held for another lease: a slow peer does not end our claim."""

JITTER = 1.05
"""Starts lie so much further apart than a rate asks: the far side counts arrivals, which networks shift."""

PATIENCE = 2.0
"""Seconds of work that a way with a rate claims at once: the rest other workers may take meanwhile."""

Answer = TypeVar("Answer")

log = structlog.get_logger()


class Write(Protocol):
    """Does work in a group commit; what `must` be written tells what has happened already."""

    def __call__(self, work: Callable[[Connection], Answer], must: bool = False) -> Awaitable[Answer]: ...


@dataclass(frozen=True)
class Dispatching:
    """What a dispatcher works with; `catalogue` answers what is published now.

    Once `stopping` says so nothing more is begun.
    """

    database: Database
    people: People
    names: Names
    catalogue: Callable[[], Catalogue]
    ways: Mapping[str, Way]
    publicly: Publicly
    stopping: Callable[[], bool] = lambda: False


class Dispatcher:
    """Sends what is due, until there is nothing left."""

    def __init__(self, parts: Dispatching) -> None:
        self._parts = parts

    async def round(self) -> int:
        """Claim, prepare and send a batch of each way; how many effects it took up.

        All ways end their batch, then the first trouble that one of them had is raised.
        """
        rounds = (self._round(kind, way) for kind, way in self._parts.ways.items())
        counts = await asyncio.gather(*rounds, return_exceptions=True)
        for count in counts:
            if isinstance(count, BaseException):
                raise count
        return sum(count for count in counts if isinstance(count, int))

    async def _round(self, kind: str, way: Way) -> int:
        database = self._parts.database
        crash.point("before a claim")
        now, lease, rate = database.now(), ledger.LEASE, way.rate
        some = max(1, min(CLAIMED, int(rate * PATIENCE))) if rate else CLAIMED
        lost = await self._write(lambda c: effects.take_over(c, now, CLAIMED, lease, [kind]))
        claimed = await self._write(lambda c: effects.claim(c, now, some, lease, [kind]))
        if len(lost):
            await self._resolve(lost, way)
        if not len(claimed):
            return len(lost)
        crash.point("after a claim")
        batch = Batch(self._parts, way, claimed, self._write)
        await batch.send()
        database.awake.set()  # tapes have heard what became of them, and somebody may wait for that
        return len(claimed)

    async def _resolve(self, lost: Effects, way: Way) -> None:
        """Settle what a sender that is gone had begun: again if that does no harm, else unknown."""
        now = self._parts.database.now()
        some = [Refused(int(key), int(fence), "") for key, fence in zip(lost.keys, lost.fences, strict=True)]
        found = [
            abandoned(way, one.key, int(attempts), int(planned), purpose == "transactional", now)
            for one, attempts, planned, purpose in zip(
                some, lost.attempts, lost.planned, lost.purposes, strict=True
            )
        ]
        await self._write(lambda c: ledger.write(c, some, found))

    def _write(self, work: Callable[[Connection], Answer], must: bool = False) -> Awaitable[Answer]:
        future: Future[Answer] = self._parts.database.submit(work, must=must)
        return asyncio.wrap_future(future)


class Batch:
    """The claimed effects of one way while they are sent."""

    def __init__(
        self,
        parts: Dispatching,
        way: Way,
        claimed: Effects,
        write: Write,
    ) -> None:
        self._parts, self._way, self._claimed, self._write = parts, way, claimed, write
        self._owners = {
            int(claimed.keys[n]): (int(claimed.customers[n]), int(claimed.runs[n]), _told(claimed, n))
            for n in range(len(claimed))
        }

    async def send(self) -> None:
        """Prepare all, refuse those that cannot be messages, and send the others."""
        prepared = self._prepared()
        refused = [
            (one, Outcome(State.FAILED, reason=one.why)) for one in prepared if isinstance(one, Refused)
        ]
        if refused:
            await self._settle(refused)
        sending: dict[asyncio.Task[tuple[Prepared, Outcome]], Prepared] = {}
        try:
            await self._send([one for one in prepared if isinstance(one, Prepared)], sending)
        except Unavailable:
            # No more can be begun; what has been begun is under way, and must be written.
            if sending:
                ended = await asyncio.gather(*sending, return_exceptions=True)
                await self._settle([one for one in ended if not isinstance(one, BaseException)])
            raise

    async def _send(
        self, waiting: list[Prepared], sending: dict[asyncio.Task[tuple[Prepared, Outcome]], Prepared]
    ) -> None:
        """Begin as many at once as the way carries, until all have ended; `sending` are those under way."""
        clock = asyncio.get_running_loop().time
        held = clock()
        while sending or (waiting and not self._parts.stopping()):
            free = self._way.connection.slots - len(sending)
            if waiting and free and not self._parts.stopping():
                going, waiting = waiting[:free], waiting[free:]
                may_go, starts = await self._intend(going)
                crash.point("after an intent")
                for one, start in zip(may_go, starts, strict=True):
                    sending[asyncio.create_task(self._attempt(one, start))] = one
            if sending:
                done, _ = await asyncio.wait(sending, timeout=PROLONGED, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    await self._settle([task.result() for task in done])
                for task in done:
                    del sending[task]
            if clock() - held > PROLONGED:
                held = clock()
                await self._prolong([*sending.values(), *waiting])
        if waiting:
            await self._write(lambda c: ledger.let_go(c, waiting))

    def _prepared(self) -> list[Prepared | Refused]:
        claimed, parts = self._claimed, self._parts
        templates: Mapping[str, Template] = parts.catalogue().templates
        with parts.database.reading() as connection:
            entries = ledger.entering_events(connection, claimed)
            frozen = messages.find(connection, claimed.keys)
            browsers = self._browsers(connection)
        tape = parts.people.tape(np.unique(claimed.customers))
        zone = parts.catalogue().policy.fallback_zone
        preparing = Preparing(templates, parts.ways, parts.publicly, zone, browsers)
        return preparing.prepare(claimed, tape, entries, frozen, parts.database.now())

    def _browsers(self, connection: Connection) -> Mapping[int, tuple[str, ...]]:
        """Where customers take notifications, for those are no traits of theirs."""
        if self._way.channel.kind != "push":
            return {}
        return subscriptions.of_customers(connection, self._claimed.customers)

    async def _intend(self, going: list[Prepared]) -> tuple[list[Prepared], list[int]]:
        """Who may go, and the instant at which each may start by the way's rate."""
        policy, secret = self._parts.catalogue().policy, self._parts.publicly.seal
        clock, rate, kind = self._parts.database.now, self._way.rate, self._way.channel.kind

        def intend(connection: Connection) -> tuple[list[Prepared], list[int]]:
            if halted(connection):
                ledger.let_go(connection, going)
                return [], []
            may_go = ledger.intend(connection, going, policy, secret, clock)
            if not rate or not may_go:
                return may_go, [0] * len(may_go)
            return may_go, rates.reserve(connection, kind, len(may_go), rate / JITTER, clock()).tolist()

        return await self._write(intend)

    async def _prolong(self, some: list[Prepared]) -> None:
        now = self._parts.database.now()
        await self._write(lambda c: ledger.prolong(c, some, now))

    async def _attempt(self, one: Prepared, start: int) -> tuple[Prepared, Outcome]:
        await asyncio.sleep(max(0, start - self._parts.database.now()) / 1_000_000 if start else 0)
        answer: Receipt | FarSideError
        try:
            answer = await self._way.connection.deliver(one.outgoing)
        except FarSideError as error:
            answer = error
        except Exception as error:
            # A provider's bug: nobody knows whether bytes went out, and the others must not suffer.
            log.exception("delivery failed", effect=one.outgoing.effect)
            answer = OutcomeUnknown(f"{type(error).__name__}: {error}")
        crash.point("after a delivery")
        repeatable = one.purpose == "transactional"
        return one, outcome(one, self._way, answer, repeatable, self._parts.database.now())

    async def _settle(self, done: Sequence[tuple[Prepared | Refused, Outcome]]) -> None:
        parts, now = self._parts, self._parts.database.now()
        codes, secret = parts.names.codes, parts.publicly.seal
        while True:
            try:
                await self._write(
                    lambda c: ledger.settle(c, done, self._owners, codes, secret, now), must=True
                )
            except Unavailable as error:
                # What was sent is sent: it must be written, however long that takes.
                log.warning("outcome not written yet", why=str(error))
                await asyncio.sleep(error.retry_after)
            else:
                crash.point("after settling")
                return


def _told(claimed: Effects, n: int) -> dict[str, object]:
    """What the events about a message say of it."""
    return {
        "template": claimed.templates[n],
        "channel": claimed.channels[n],
        "purpose": claimed.purposes[n],
        **_from_data(claimed.data[n]),
    }


def _from_data(data: str) -> dict[str, object]:
    known = msgspec.json.decode(data)
    return {"journey": known.get("journey", ""), "step": known.get("step", "")}
