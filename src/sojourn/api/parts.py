"""What the endpoints stand on, made by the composition root and handed to each that asks for it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sojourn.api.authority import Authority
from sojourn.api.pace import Pace
from sojourn.ingest.intake import Intake
from sojourn.store.database import Database


@dataclass(frozen=True)
class Settings:
    """What the endpoints have to know of the installation."""

    secret: bytes
    public_url: str = "http://localhost:8000"
    behind_proxy: bool = False  # believe X-Forwarded-For: only where a proxy of ours sets it
    requests_a_second: float = 1_000  # of one key
    requests_a_second_by_address: float = 100  # of one address, with a public key

    @property
    def identity_secret(self) -> bytes:
        """What customers' servers sign the ids of their users with (ingest.wire.trust.signature)."""
        return hmac.new(self.secret, b"identity", hashlib.sha256).hexdigest().encode()


@dataclass(frozen=True)
class Parts:
    """The parts of one running installation."""

    database: Database
    intake: Intake
    settings: Settings
    authority: Authority
    by_key: Pace = field(init=False)
    by_address: Pace = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", Pace(self.settings.requests_a_second))
        object.__setattr__(self, "by_address", Pace(self.settings.requests_a_second_by_address))


Given: TypeAlias = NamedDependency[SkipValidation[Parts]]
"""What an endpoint says of its parameter `parts`."""
