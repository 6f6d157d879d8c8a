"""Ingest under fire: killed servers, lost answers, endless bodies, clients that never finish (P1 to P6)."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import segment.analytics as segment_analytics
from segment.analytics.client import Client
from served import AUTHORIZATION, KEY, Served, served

from sojourn.store import log
from sojourn.store.database import Database
from sojourn.store.log import Offset
from sojourn.tape.hashing import hash_text

MEGABYTE = 2**20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def stored(folder: Path) -> list[int]:
    """The keys of all events in the log."""
    with Database.open(f"sqlite:///{folder}/sojourn.db") as database, database.reading() as connection:
        return [int(key) for key in log.read(connection, Offset(), 1_000_000).keys]


def batch(ids: list[str]) -> bytes:
    calls = [{"type": "track", "userId": f"u{one[-1]}", "event": "E", "messageId": one} for one in ids]
    return json.dumps({"batch": calls}).encode()


def send_until_taken(server: Served, name: str, batches: int, done: threading.Event) -> list[str]:
    """The ids that were acknowledged; what was not is sent again, as clients do."""
    acked: list[str] = []
    for number in range(batches):
        ids = [f"{name}.{number}.{n}" for n in range(20)]
        while not done.is_set():
            try:
                status = server.post("/v1/batch", batch(ids))
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if status == 200:
                acked += ids
                break
            assert status in (429, 503), status
            time.sleep(0.05)
    return acked


def test_what_was_acknowledged_survives_kills_and_counts_once(server: Served) -> None:
    done = threading.Event()
    with ThreadPoolExecutor(8) as clients:
        sending = [clients.submit(send_until_taken, server, f"c{n}", 60, done) for n in range(8)]
        try:
            for _ in range(3):
                time.sleep(0.7)
                server.kill()
                server.start()
            acked = [one for client in sending for one in client.result(timeout=120)]
        finally:
            done.set()
    server.kill()
    keys = stored(server.folder)
    assert len(acked) == 8 * 60 * 20
    assert len(keys) == len(set(keys))
    assert {hash_text(one) for one in acked} <= set(keys)


class Dropping:
    """A proxy that passes requests on and loses the first few answers."""

    def __init__(self, port: int, losses: int) -> None:
        self._target, self._losses = port, losses
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as target:
            client.settimeout(10)
            target.settimeout(10)
            with suppress(OSError):
                while request := _whole(client):
                    target.sendall(request)
                    answer = _whole(target)
                    if self.lost < self._losses:
                        self.lost += 1
                        return  # it was taken, and nobody hears of it
                    client.sendall(answer)


def _whole(connection: socket.socket) -> bytes:
    """One HTTP message with a Content-Length."""
    message = b""
    while b"\r\n\r\n" not in message:
        part = connection.recv(65536)
        if not part:
            return b""
        message += part
    head, _, body = message.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.mark.parametrize("packed", [False, True])
def test_segments_own_client_loses_and_doubles_nothing(server: Served, packed: bool) -> None:
    proxy, failed = Dropping(server.port, losses=2), list[Exception]()
    host = f"http://127.0.0.1:{proxy.port}"
    client = Client(KEY, host=host, gzip=packed, on_error=lambda error, _: failed.append(error))
    for n in range(250):
        client.track(f"user-{n % 10}", "Order Completed", {"total": float("nan") if n == 7 else n})
    client.identify("user-1", {"email": "one@example.org"})
    client.alias("anonymous-1", "user-1")
    client.flush()
    client.shutdown()
    proxy.close()
    server.kill()
    assert (proxy.lost, failed) == (2, [])
    assert len(stored(server.folder)) == 251
    assert segment_analytics.__name__


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * MEGABYTE
    return b"".join([packer.compress(zeros) for _ in range(size // MEGABYTE)]) + packer.flush()


def test_bombs_and_endless_bodies_cost_little_memory(server: Served) -> None:
    assert server.post("/v1/batch", batch(["first"])) == 200
    before = server.peak()
    packed = bomb(1024 * MEGABYTE)
    for _ in range(5):
        assert server.post("/v1/batch", packed) == 400
        with suppress(OSError):  # it may hang up before all is sent
            assert server.post("/v1/batch", b" " * 10 * MEGABYTE) == 400
    endless(server)
    assert server.peak() - before < 64 * MEGABYTE
    assert server.post("/v1/batch", batch(["last"])) == 200


def endless(server: Served) -> None:
    """A body of unknown length that does not end by itself."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = "POST /v1/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(f"{head}Authorization: Bearer {KEY}\r\n\r\n".encode())
        with suppress(OSError):
            for _ in range(100):
                connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            raise AssertionError("6 MB were taken")


def test_clients_that_never_finish_do_not_hold_up_others(server: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    head = (
        f"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    )
    for number, connection in enumerate(slow):
        connection.sendall(head.encode() if number % 2 else b"POST /v1/ba")
    times = []
    for number in range(50):
        for connection in slow[number % 2 :: 2]:
            with suppress(OSError):
                connection.sendall(b"x")
        began = time.monotonic()
        assert server.post("/v1/batch", batch([str(number)])) == 200
        times.append(time.monotonic() - began)
    for connection in slow:
        connection.close()
    assert sorted(times)[-2] < 1.0


def test_requests_under_way_are_answered_before_it_stops(server: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = batch(["late"])
    connection.putrequest("POST", "/v1/batch")
    for name, value in (AUTHORIZATION | {"Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders(body[:10])
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    connection.send(body[10:])
    assert connection.getresponse().status == 200
    assert server.process.wait(30) == 0
    assert stored(server.folder) == [hash_text("late")]


def test_gzip_is_taken_from_a_real_socket(server: Served) -> None:
    packed = gzip.compress(batch(["a", "b"]))
    form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    assert server.post("/v1/batch", packed, form) == 200
    server.kill()
    assert sorted(stored(server.folder)) == sorted(map(hash_text, "ab"))
