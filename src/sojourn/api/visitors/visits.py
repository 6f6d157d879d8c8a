"""Visits: who or what followed the links of a message, written down at once and judged a little later.

A scanner follows all links of a mail within seconds, and the first of them looks like a person.  So
the tape hears of a click only when the span in which others would give it away is over; what was
written down and not told yet when a process died is told when the next one starts.
"""

from __future__ import annotations

import asyncio
import hmac
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import structlog
from sqlalchemy import Connection

from sojourn.api.visitors.told import Mark, Sent, sent, tell
from sojourn.errors import Unavailable
from sojourn.message.machine import Hit, origins
from sojourn.store import log, messages
from sojourn.store.database import Database
from sojourn.store.messages import PIXEL, Hits
from sojourn.store.names import Names
from sojourn.tape.hashing import hash_text, mix

_SHORT = 500  # characters of a User-Agent that are kept
_RECENT = 3_600_000_000  # microseconds for which a new process looks back for what was not told
_PATIENCE = 2.0  # seconds that a visitor waits at most for us to write it down

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Visit:
    """One request for a link of a message, or for its pixel."""

    effect: int
    link: int  # PIXEL where it was the picture, 0 the link that only machines see
    at: int  # microseconds UTC
    method: str
    agent: str
    address: str  # keyed hash

    @property
    def key(self) -> int:
        """The key of the mark that tells of it."""
        return int(mix(self.effect, self.link + 2, self.at, hash_text(f"{self.address} {self.agent}"))[0])

    def hit(self) -> Hit:
        """The visit as it is judged."""
        kind: Literal["open", "click"] = "open" if self.link == PIXEL else "click"
        return Hit(kind, self.at, max(self.link, 0), self.method, self.agent, self.address)


class Visits:
    """The visits to the messages of one installation; `settle` is how many seconds a click is held back."""

    def __init__(self, database: Database, names: Names, secret: bytes, settle: float) -> None:
        self._database, self._names, self._secret, self._settle = database, names, secret, settle
        self._held: dict[asyncio.Task[None], Visit] = {}

    def visit(self, effect: int, link: int, method: str, agent: str, address: str) -> Visit:
        """A visit that is made now; the address itself is not kept."""
        hashed = hmac.digest(self._secret, address.encode(), "sha256").hex()[:32]
        return Visit(effect, link, self._database.now(), method, agent[:_SHORT], hashed)

    async def note(self, visit: Visit) -> None:
        """Write a visit down, and tell the tape of it once it can be judged.

        Whoever visits is not kept waiting for long, and never sees that we could not.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                machine = await asyncio.wrap_future(self._write(visit))
        except (Unavailable, TimeoutError) as error:
            _log.warning("a visit was not written down", effect=f"{visit.effect:016x}", why=str(error))
            return
        if machine is None:  # it is held
            task = asyncio.create_task(self._tell_later(visit))
            self._held[task] = visit
            task.add_done_callback(self._held.pop)

    async def start(self) -> None:
        """Tell of what a process that died had written down and not told."""
        await asyncio.to_thread(self._database.write, self._recover)

    async def stop(self) -> None:
        """Tell at once of all that is held."""
        held = list(self._held.values())
        for task in list(self._held):
            task.cancel()
        for visit in held:
            with suppress(Unavailable):
                await asyncio.wrap_future(self._told(visit))

    def _write(self, visit: Visit) -> Future[bool | None]:
        """Whether a machine made it; None where that has to wait."""

        def write(connection: Connection) -> bool | None:
            message = sent(connection, [visit.effect]).get(visit.effect)
            if message is None:  # the customer was erased: nothing is kept
                return True
            machine = _judged(connection, visit)
            messages.hit(connection, _row(visit, machine))
            if not machine and visit.link > 0 and self._settle:
                return None
            tell(connection, self._names, [self._mark(connection, visit, message)], self._database.now())
            return machine

        return self._database.submit(write, wake=True)

    async def _tell_later(self, visit: Visit) -> None:
        await asyncio.sleep(self._settle)
        with suppress(Unavailable):
            await asyncio.wrap_future(self._told(visit))

    def _told(self, visit: Visit) -> Future[None]:
        return self._database.submit(lambda connection: self._tell(connection, [visit]), wake=True)

    def _recover(self, connection: Connection) -> None:
        recent = _visits(messages.hits_since(connection, self._database.now() - _RECENT))
        keys = np.array([visit.key for visit in recent], np.int64)
        told = set(log.by_key(connection, keys).keys.tolist())
        self._tell(connection, [visit for visit in recent if visit.key not in told])

    def _tell(self, connection: Connection, visits: list[Visit]) -> None:
        known = sent(connection, [visit.effect for visit in visits])
        marks = [
            self._mark(connection, visit, known[visit.effect]) for visit in visits if visit.effect in known
        ]
        tell(connection, self._names, marks, self._database.now())

    def _mark(self, connection: Connection, visit: Visit, message: Sent) -> Mark:
        said = {**message.said, "machine": _judged(connection, visit)}
        if visit.link == PIXEL:
            name = message.called("Opened")
        else:
            name = message.called("Clicked" if message.channel == "push" else "Link Clicked")
            said |= {
                "link": visit.link,
                "url": messages.destination(connection, visit.effect, visit.link) or "",
            }
        return Mark(visit.key, name, message.customer, visit.at, said, run=message.run)


def _judged(connection: Connection, visit: Visit) -> bool:
    """Whether a machine made a visit, in the light of all visits to the message so far."""
    others = [
        other for other in _visits(messages.hits_of(connection, visit.effect)) if other.key != visit.key
    ]
    return origins([visit.hit(), *(other.hit() for other in others)])[0].machine


def _visits(rows: Hits) -> list[Visit]:
    """The visits as they were written; of the method only is known whether it was a machine's."""
    columns = zip(
        rows.effects.tolist(), rows.links.tolist(), rows.at.tolist(), rows.machines.tolist(),
        rows.agents, rows.ips, strict=True,
    )  # fmt: skip
    return [
        Visit(effect, link, at, "HEAD" if machine else "GET", agent, address)
        for effect, link, at, machine, agent, address in columns
    ]


def _row(visit: Visit, machine: bool) -> Hits:
    return Hits(
        effects=np.array([visit.effect]),
        links=np.array([visit.link]),
        at=np.array([visit.at]),
        ips=[visit.address],
        agents=[visit.agent],
        machines=np.array([int(machine)]),
    )
