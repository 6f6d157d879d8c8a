"""The door for mail: takes by SMTP and LMTP what goes to an address that we sealed, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from sojourn.api.mail.taking import take
from sojourn.api.parts import Parts
from sojourn.channel.contract import shown
from sojourn.channel.seal import is_ours
from sojourn.errors import Misconfigured

LARGEST = 2 * 1024 * 1024
"""Bytes of one mail: a report that quotes a mail of ours whole is smaller."""

MOST_OCTETS = 2 * LARGEST
"""What a connection may send without a mail that is taken: the library keeps a line until it ends,
however long it gets."""

MOST_CONNECTIONS = 20
"""Connections at once; a mail server that is turned away keeps its mail and comes again."""

LONGEST, SILENCE = 600.0, 300.0
"""Seconds that a connection lasts at most, and without a command (RFC 5321, 4.5.3.2.7)."""

_LONGEST_LINE = 64 * 1024  # those who quote mails break the limit of 998 octets
_TURNED_AWAY = b"421 4.3.2 too many connections, come back later\r\n"
_CALLS = {"*": 20, "MAIL": 1000, "RCPT": 1000, "DATA": 1000, "RSET": 1000, "AUTH": 0, "VRFY": 0}
"""How often a command is heard in a connection."""

logger = structlog.get_logger()


@asynccontextmanager
async def listening(parts: Parts, host: str, port: int) -> AsyncIterator[int]:
    """Take mail in the running loop until the block ends; gives the port.

    Raises Misconfigured when the address is not ours to have.
    """
    # What strangers send does not belong into our log, and the library would write all of it there.
    logging.getLogger("mail.log").disabled = True
    open_now: set[_Talk] = set()
    desk = _Desk(parts)
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: _Talk(desk, open_now) if len(open_now) < MOST_CONNECTIONS else _TurnedAway(), host, port
        )
    except OSError as error:
        raise Misconfigured(f"{host}:{port} cannot be listened on: {error.strerror or error}") from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for talk in tuple(open_now):
            talk.end()
        await server.wait_closed()


class _Desk:
    """Answers what a mail server asks; the names are those by which aiosmtpd calls.

    One recipient a mail: a mail of ours has one, so has its bounce, and so SMTP and LMTP answer alike.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._reading = asyncio.Semaphore(2)  # mails taken apart at once: it holds up everything else here

    async def handle_RCPT(  # noqa: N802
        self, _talk: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not is_ours(address, [self._parts.publicly.seal]):
            return "550 5.1.1 no such address here"
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient a mail"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ours"

    async def handle_DATA(self, talk: _Talk, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content
        assert isinstance(raw, bytes)
        async with self._reading:
            await take(self._parts, raw, envelope.rcpt_tos)
        talk.left = MOST_OCTETS
        return "250 2.0.0 taken"

    async def handle_exception(self, error: Exception) -> str:
        """What we could not do now is tried again: a mail server keeps a bounce for days."""
        logger.warning("a mail was not taken", why=shown(f"{type(error).__name__}: {error}"))
        return "451 4.3.0 not now, come back later"


class _Talk(SMTP):
    """One connection, bounded in all that a stranger might make grow."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, desk: _Desk, open_now: set[_Talk]) -> None:
        super().__init__(
            desk,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,  # so that reports in UTF-8 come through (RFC 6533)
            hostname="sojourn",
            ident="Sojourn",
            timeout=SILENCE,
            command_call_limit=_CALLS,
            loop=asyncio.get_running_loop(),
        )
        self._open_now, self.left = open_now, MOST_OCTETS
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_now.add(self)
        self._end = self.loop.call_later(LONGEST, self.end)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            self.end()
        else:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_now.discard(self)
        if self._end:
            self._end.cancel()
        super().connection_lost(error)

    def end(self) -> None:
        """Hang up; what has not been answered comes again."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802
        """The greeting of LMTP."""
        await self.smtp_EHLO(hostname)


class _TurnedAway(asyncio.Protocol):
    """Says that there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_TURNED_AWAY)
        transport.close()
