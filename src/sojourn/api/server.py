"""Serves the app over HTTP within this process, beside its writer and worker threads, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar

from sojourn.errors import Misconfigured

_HEADER_PATIENCE = 10_000  # milliseconds within which a request's headers must have come
_GRACE = 10.0  # seconds that requests under way may take once we are told to stop
_WAITING = 1024  # connections that the system keeps for us while we are busy


def run(
    app: Litestar,
    host: str,
    port: int,
    *,
    started: Callable[[], Any] = lambda: None,
    beside: AbstractAsyncContextManager[Any] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered before it returns.

    `started` is called once connections are taken; `beside` is open meanwhile, in the same loop.
    Raises Misconfigured when the address is not ours to have.
    """

    async def run() -> None:
        async with beside or contextlib.nullcontext():
            await serve(app, host, port, asyncio.Event(), started=started)

    asyncio.run(run())


async def serve(
    app: Litestar, host: str, port: int, stop: asyncio.Event, *, started: Callable[[], Any] = lambda: None
) -> None:
    """Serve in the running loop until `stop` is set, by a signal too where this is the main thread."""
    _check_free(host, port)
    _set_by_signals(stop)
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_PATIENCE),
        backlog=_WAITING,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    greeting = asyncio.create_task(_greet(host, port, started))
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    for task in (greeting, stopping):
        task.cancel()
    server.stop()  # type: ignore[no-untyped-call]
    done, _ = await asyncio.wait((serving,), timeout=_GRACE)
    if done:
        await serving


def _check_free(host: str, port: int) -> None:
    """Granian shares its port with whoever asks, so a second server would get half of the requests."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise Misconfigured(f"{host}:{port} cannot be listened on: {error.strerror or error}") from error


async def _greet(host: str, port: int, started: Callable[[], Any]) -> None:
    """Call `started` once somebody answers."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            started()
            return
        await asyncio.sleep(0.01)


def _set_by_signals(stop: asyncio.Event) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
