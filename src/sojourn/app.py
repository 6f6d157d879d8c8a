"""The composition root: reads the environment, and knows every concrete part."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from litestar import Litestar

from sojourn.api import app as web
from sojourn.api import parts
from sojourn.api.authority import Authority
from sojourn.demo_clock import clock_of
from sojourn.errors import Misconfigured, NotFound
from sojourn.lake.folder import Folder
from sojourn.message.tokens import Keyring
from sojourn.runtime.audit.auditor import Audit, audit
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.dispatch.dispatcher import Dispatching
from sojourn.runtime.dispatch.people import People
from sojourn.runtime.dispatch.prepare import Publicly
from sojourn.runtime.dispatch.sender import Sender
from sojourn.runtime.history import History
from sojourn.runtime.publishing.published import published
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Resident
from sojourn.runtime.ticking.worker import Worker
from sojourn.runtime.upkeep.residence import Residence
from sojourn.runtime.upkeep.upkeep import Upkeep
from sojourn.store.access.clock import Clock
from sojourn.store.access.reserve import Reserve
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS

SQLITE = "sqlite:"


SHORTEST_SECRET = 32
"""Bytes of the key from which all others are derived: as many as their hash has."""


@dataclass(frozen=True)
class Settings:
    """What has to be known before the database can be reached; all else is kept in it."""

    data: Path
    database_url: str
    secret_key: bytes
    url: str = ""  # where customers reach us; empty where `serve` itself is reached

    @property
    def embedded(self) -> bool:
        """Whether the database is SQLite, which one process at a time may write to."""
        return self.database_url.startswith(SQLITE)


def settings(
    data: Path | None = None,
    database_url: str | None = None,
    *,
    make: bool = True,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """What is given, else what the environment says, else SQLite in the folder `data`.

    Makes the data folder if it is not there, or raises NotFound where it is not to `make` one.
    Raises Misconfigured when it cannot be written, or the secret is too short to be one.
    """
    folder = (data or Path(environment.get("SOJOURN_DATA_DIR") or "data")).absolute()
    url = database_url or environment.get("SOJOURN_DATABASE_URL") or f"{SQLITE}///{folder / 'sojourn.db'}"
    if not make and url.startswith(SQLITE) and not Path(url.removeprefix(f"{SQLITE}///")).exists():
        raise NotFound(f"there is nothing in {folder} yet: import events, or name another folder by --data")
    _make(folder)
    key = environment.get("SOJOURN_SECRET_KEY")
    secret = key.encode() if key else _kept_secret(folder / "secret.key")
    if len(secret) < SHORTEST_SECRET:
        where = "SOJOURN_SECRET_KEY" if key else str(folder / "secret.key")
        raise Misconfigured(f"{where} is shorter than 32 bytes; make one with `openssl rand -hex 32`")
    return Settings(folder, url, secret, environment.get("SOJOURN_URL", ""))


TOGETHER = 16
"""Partitions that one tick takes on PostgreSQL: the others are left to other workers."""


@dataclass(frozen=True)
class App:
    """The parts of one installation, open."""

    settings: Settings
    database: Database
    names: Names
    history: History

    def catalogue(self) -> Catalogue:
        """What is published now."""
        with self.database.reading() as connection:
            return published(connection)

    def web(self, url: str, authority: Authority | None = None) -> Litestar:
        """The web application; `url` is our public address, `authority` says who may what."""
        about = parts.Settings(self._derived(b"customers"), public_url=url)
        ours = parts.Parts(self.database, self.names, self.history, self.publicly(url), about)
        ours.authority = authority or ours.authority
        return web.create(ours)

    def publicly(self, url: str) -> Publicly:
        """Where customers reach us, and the keys with which we sign what they are sent."""
        return Publicly(url.rstrip("/"), Keyring({0: self._derived(b"tokens")}), self._derived(b"seals"))

    def audit(self) -> Audit:
        """What the tables say of each other, over one reading of them: see runtime.audit."""
        return audit(self.history, self.publicly("").seal)

    @contextlib.contextmanager
    def working(self, url: str) -> Iterator[Worker]:
        """The worker and the sender of this process, until the block ends; `url` is our public address."""
        of_log = tapes_of_log(self.names)
        at_once = PARTITIONS if self.database.dialect == "sqlite" else TOGETHER
        live = Live(Resident(), self.names, of_log, at_once)
        worker = Worker(self.database, live, Residence(self.history, live))
        upkeep = Upkeep(self.history)
        sender = Sender(
            Dispatching(
                self.database,
                People(self.database, of_log, self.history),
                self.names,
                worker.catalogue,
                {},
                self.publicly(url),
            )
        )
        for part in (worker, sender, upkeep):
            part.start()
        try:
            yield worker
        finally:
            for part in (worker, sender, upkeep):
                part.stop()

    def _derived(self, use: bytes) -> bytes:
        return hmac.digest(self.settings.secret_key, use, "sha256")


@contextlib.contextmanager
def open_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    on_broken: Callable[[BaseException], None] = lambda error: None,
) -> Iterator[App]:
    """The installation that the settings name; `clock` replaces the database's own time.

    `on_broken` is called when nobody knows any more what is on disk: the process must stop.
    """
    clock = clock or clock_of(settings.data)
    reserve = Reserve(settings.data / "reserve") if settings.embedded else None
    with Database.open(settings.database_url, clock=clock, on_broken=on_broken, reserve=reserve) as database:
        names = Names(database.reading)
        history = History(database, Folder.local(settings.data / "lake"), names)
        yield App(settings, database, names, history)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as trouble:
        raise _unusable(folder, trouble.strerror) from trouble
    if not os.access(folder, os.W_OK):
        raise _unusable(folder, "it cannot be written")


def _unusable(folder: Path, why: str | None) -> Misconfigured:
    return Misconfigured(
        f"data folder {folder}: {why}; mend it, or name another by --data or SOJOURN_DATA_DIR"
    )


def _kept_secret(path: Path) -> bytes:
    """The key in the data folder, drawn when it is first needed; two processes that draw it agree on one."""
    if not path.exists():
        drawn = path.with_suffix(f".{os.getpid()}")
        drawn.touch(mode=0o600)
        with drawn.open("w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(drawn)
        drawn.unlink()
    return path.read_bytes()
