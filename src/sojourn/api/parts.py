"""What the endpoints stand on, made by the composition root and handed to each that asks for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from sqlalchemy import Connection

from sojourn.api.authority import Authority
from sojourn.api.pace import Pace
from sojourn.api.visitors.visits import Visits
from sojourn.ingest.accept import Books
from sojourn.ingest.intake import Intake
from sojourn.runtime.dispatch.prepare import Publicly
from sojourn.runtime.history import History
from sojourn.runtime.merging.merging import Merging
from sojourn.store.database import Database
from sojourn.store.names import Names

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Settings:
    """What the endpoints have to know of the installation."""

    secret: bytes
    public_url: str = "http://localhost:8000"
    behind_proxy: bool = False  # believe X-Forwarded-For: only where a proxy of ours sets it
    requests_a_second: float = 1_000  # of one key
    requests_a_second_by_address: float = 100  # of one address, with a public key
    settle: float = 2.2  # seconds that a click is held back to see whether a machine made it

    @property
    def identity_secret(self) -> bytes:
        """What customers' servers sign the ids of their users with (ingest.wire.trust.signature)."""
        return hmac.new(self.secret, b"identity", hashlib.sha256).hexdigest().encode()


class Parts:
    """The parts of one running installation."""

    def __init__(
        self, database: Database, names: Names, history: History, publicly: Publicly, settings: Settings
    ) -> None:
        self.database, self.names, self.history = database, names, history
        self.publicly, self.settings = publicly, settings
        self.books = Books(names, on_merge=Merging(names))
        self.intake = Intake(database, self.books)
        self.authority = Authority(database)
        self.visits = Visits(database, names, settings.secret, settings.settle)
        self.by_key = Pace(settings.requests_a_second)
        self.by_address = Pace(settings.requests_a_second_by_address)

    async def read(self, work: Callable[[Connection], Answer]) -> Answer:
        """What the work answers, from a connection that sees one committed state."""

        def reading() -> Answer:
            with self.database.reading() as connection:
                return work(connection)

        return await asyncio.to_thread(reading)

    async def write(self, work: Callable[[Connection], Answer]) -> Answer:
        """What the work answers, once it is durable."""
        return await asyncio.wrap_future(self.database.submit(work, wake=True))


Given: TypeAlias = NamedDependency[SkipValidation[Parts]]
"""What an endpoint says of its parameter `parts`."""
