"""Real processes of ours that are killed: started, waited for until they are ready, ended with no warning."""

from __future__ import annotations

import os
import random
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PATIENCE = 60.0  # seconds until a process must be ready: it takes two, but the machine may be busy

_FIRST = "from sojourn import kernel_cache; kernel_cache.choose()"
_RUN = "from sojourn.cli import main; main()"


class Process:
    """`sojourn` with these arguments; its log goes to a file, its standard output says when it is ready.

    `before` is Python that it runs first.
    """

    def __init__(self, *arguments: str, log: Path, before: str = "", **environment: str) -> None:
        self.log = log
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with log.open("ab") as errors:
            self._running = subprocess.Popen(
                [sys.executable, "-c", f"{_FIRST}\n{before}\n{_RUN}", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**inherited, **environment},
            )

    def ready(self) -> bool:
        """Wait until it says that it is ready; False if it ended before."""
        assert self._running.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._running.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE), f"not ready in time: {self.log.read_text()[-3000:]}"
        return bool(self._running.stdout.readline())

    def kill(self) -> None:
        """End it as the machine's power would: it gets to do nothing more."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit code, once it has ended of itself: -9 after a SIGKILL."""
        with self._running:
            return self._running.wait(PATIENCE)

    def _end(self, how: signal.Signals) -> None:
        self._running.send_signal(how)
        self.wait()


class Nemesis(threading.Thread):
    """Starts a process and kills it 1 to 2 s after it is ready, again and again until it is stopped."""

    def __init__(self, *arguments: str, log: Path, seed: int) -> None:
        super().__init__(name=f"nemesis of {arguments[0]}", daemon=True)
        self.kills = 0
        self._arguments, self._log, self._dice = arguments, log, random.Random(seed)
        self._enough = threading.Event()
        self._broken: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                process = Process(*self._arguments, log=self._log)
                assert process.ready(), f"it ended by itself: {self._log.read_text()[-3000:]}"
                time.sleep(self._dice.uniform(1.0, 2.0))
                process.kill()
                self.kills += 1
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for us
            self._broken = error

    def check(self) -> None:
        """Raises what went wrong."""
        if self._broken:
            raise self._broken

    def stop(self) -> int:
        """Let the last process die; how many were killed."""
        self._enough.set()
        self.join()
        self.check()
        return self.kills
