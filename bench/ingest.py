"""Times HTTP ingest, durable, against the store's own ceiling: the same rows in groups, no HTTP and no logic.

Eight clients each send batches of 100 track calls and wait for the answer; what waits together is
committed together.  The ceilings are the bare driver (bench.store) writing as many rows, a durable
commit each: in the batches that were sent, and in groups of the size that came about on the way.
Customers are known but in the first round, which is told apart (`strangers`).
"""

from __future__ import annotations

import json
import multiprocessing
import random
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.row import Row, rounded
from bench.store import ceilings, load
from sojourn.api import server
from sojourn.api.app import create
from sojourn.api.authority import SERVER, mint
from sojourn.api.parts import Parts, Settings
from sojourn.ingest.accept import Books
from sojourn.ingest.intake import Intake
from sojourn.lake.folder import Folder
from sojourn.message.tokens import Keyring
from sojourn.runtime.dispatch.prepare import Publicly
from sojourn.runtime.history import History
from sojourn.store.database import Database
from sojourn.store.names import Names

BAR, SLOWEST = 0.4, 250  # share of the ceiling; milliseconds at the 99th percentile
CLIENTS, BATCH, CUSTOMERS = 8, 100, 20_000
EVENTS, ROUNDS = 80_000, 3
KEY = "bench-key"
HEAD = "POST /v1/batch HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n"


@dataclass
class Round:
    """What one round of requests took."""

    events: int
    seconds: float = 0.0
    answers: list[float] = field(default_factory=list)  # seconds of each request

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    def slow(self, share: float) -> float:
        """Milliseconds within which that share of requests was answered."""
        return sorted(self.answers)[int(len(self.answers) * share)] * 1000


def measure(*, small: bool) -> list[Row]:
    """Events a second against both ceilings, and the slow answers; the best round of each side counts."""
    with tempfile.TemporaryDirectory() as folder:
        return _told(*_turns(Path(folder), EVENTS // 5 if small else EVENTS))


def _turns(folder: Path, events: int) -> tuple[Round, list[Round], list[float], list[float]]:
    """A round of strangers; the others; and the ceilings by their turns, as sent and as committed."""
    batched, grouped, ours = list[float](), list[float](), list[Round]()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    groups = context.Value("q", 0)
    serving = context.Process(target=serve, args=(f"{folder}/served.db", port, groups))
    serving.start()
    try:
        strangers = send(port, events)
        for number in range(ROUNDS):
            before = groups.value
            ours.append(send(port, events))
            # As many rows as are served by now: the larger an index of hashes, the more pages a row soils.
            rows, group = events * (number + 2), ours[-1].events // (groups.value - before)
            for size, found in ((BATCH, batched), (group, grouped)):
                bare = f"sqlite:///{folder}/bare{number}.{size}.db"
                found.append(ceilings(bare, load(rows, size))["append"])
    finally:
        serving.terminate()
        serving.join()
    return strangers, ours, batched, grouped


def _told(strangers: Round, ours: list[Round], batched: list[float], grouped: list[float]) -> list[Row]:
    best = max(ours, key=lambda one: one.rate)
    rate = rounded(best.rate)
    more = {"strangers": rounded(strangers.rate), "median_ms": rounded(best.slow(0.5))}
    rows = [
        Row(f"ingest over HTTP, {kind}", rate, "events/s", BAR, rounded(rate / max(bare)), "the bare driver")
        for kind, bare in (("batches as sent", batched), ("groups as committed", grouped))
    ]
    slow = max(rounded(one.slow(0.99)) for one in ours)
    return [*rows, Row("ingest over HTTP, p99", slow, "ms", SLOWEST, less=True, more=more)]


class Counted(Intake):
    """An intake that counts its transactions."""

    def __init__(self, database: Database, books: Books, groups: Any) -> None:
        super().__init__(database, books)
        self._groups = groups

    def _next(self) -> Any:
        self._groups.value += 1
        return super()._next()


def serve(path: str, port: int, groups: Any) -> None:
    """Serve a fresh database until told to stop."""
    with Database.open(f"sqlite:///{path}") as database:
        database.write(lambda connection: mint(connection, "bench", (SERVER,), database.now(), KEY))
        publicly = Publicly("http://bench", Keyring({0: bytes(32)}), b"bench")
        names = Names(database.reading)
        history = History(database, Folder.local(Path(path).parent / "lake"), names)
        parts = Parts(database, names, history, publicly, Settings(secret=b"bench"))
        parts.intake = Counted(database, parts.books, groups)
        server.run(create(parts), "127.0.0.1", port)


def send(port: int, events: int) -> Round:
    """Send that many events by all clients, each with one request at a time."""
    work = [[_request() for _ in range(events // BATCH // CLIENTS)] for _ in range(CLIENTS)]
    _wait_until_up(port)
    done = Round(sum(map(len, work)) * BATCH)
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        for answers in clients.map(partial(_client, port), work):
            done.answers += answers
    done.seconds = time.perf_counter() - began
    return done


def _wait_until_up(port: int) -> None:
    for _ in range(600):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise TimeoutError("the server did not start")


def _client(port: int, requests: list[bytes]) -> list[float]:
    """The seconds of each request; by blocking sockets, which take little of the machine that is measured."""
    answers = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for request in requests:
            began = time.perf_counter()
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode())
            answers.append(time.perf_counter() - began)
    return answers


def _request() -> bytes:
    calls = [_call(random.randrange(CUSTOMERS)) for _ in range(BATCH)]
    body = json.dumps({"batch": calls, "sentAt": "2026-03-01T09:00:01Z"})
    return (HEAD.format(KEY, len(body)) + body).encode()


def _call(customer: int) -> dict[str, object]:
    """A call as Segment's Python client writes it."""
    return {
        "type": "track",
        "userId": f"user-{customer}",
        "anonymousId": f"anonymous-{customer:08x}-2e2e-9999-aaaaaaaaaaaa",
        "messageId": f"{random.getrandbits(128):032x}",
        "timestamp": "2026-03-01T09:00:00.123456+00:00",
        "event": random.choice(("Product Viewed", "Product Added", "Order Completed")),
        "properties": {"plan": "trial", "value": customer % 100, "url": f"https://example.org/{customer}"},
        "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
        "integrations": {},
    }
