"""A server in a process of its own, to be killed, starved and lied to."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEY = "a-key-of-a-server"
AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}

_CHILD = """
import sys
from pathlib import Path
from sojourn.api import server
from sojourn.api.authority import SERVER, mint
from sojourn.app import open_app, settings
from sojourn.store.definitions import keys

with open_app(settings(Path(sys.argv[1]), environment={})) as app:
    def let_in(connection):
        if not keys.every(connection):
            mint(connection, "test", (SERVER,), app.database.now(), sys.argv[3])
    app.database.write(let_in)
    address = f"http://127.0.0.1:{sys.argv[2]}"
    server.run(app.web(address), "127.0.0.1", int(sys.argv[2]), started=lambda: print("up", flush=True))
"""


@dataclass
class Served:
    """A server on a folder and a port that stay the same however often it is started."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As if the power had gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        """Start it again."""
        self.process = _started(self.folder, self.port)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """The status of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body, AUTHORIZATION | (headers or {}))
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def peak(self) -> int:
        """The most memory that it has held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A server that is stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = Served(folder, port, _started(folder, port))
    try:
        yield one
    finally:
        one.process.terminate()
        one.process.wait(30)


def _started(folder: Path, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(folder), str(port), KEY],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert process.stdout is not None
    with process.stdout as said:
        if said.readline() != "up\n":
            process.kill()
            process.wait()
            raise RuntimeError("the server did not start")
    return process
