"""Speaks SMTP (RFC 5321) over a few kept connections, and knows at which byte a mail was handed over."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Annotated, Literal

import msgspec
from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from sojourn.channel.contract import Secret, Settings, shown
from sojourn.channel.retry import code_of
from sojourn.errors import Misconfigured, NotDelivered, OutcomeUnknown, TryLater

_FAREWELL = 2.0  # seconds that a polite end may take


class Relay(Settings, frozen=True, kw_only=True):
    """Where the mail server is, how to speak to it, and how long to wait for it."""

    host: str
    port: int = 587
    security: Annotated[
        Literal["starttls", "tls", "when_offered", "none"],
        msgspec.Meta(description="`starttls` and `tls` never fall back to plain text."),
    ] = "starttls"
    verify: Annotated[bool, msgspec.Meta(description="Check the server's certificate.")] = True
    ca_file: Annotated[str, msgspec.Meta(description="Certificates to trust instead of the system's.")] = ""
    username: str = ""
    password: Secret = ""
    hello: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9.:\[\]-]*$", description="Our name in EHLO; the machine's if empty."
        ),
    ] = ""
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    connect_limit: Annotated[float, msgspec.Meta(gt=0, description="Seconds until ready to send.")] = 30.0
    command_limit: Annotated[
        float, msgspec.Meta(gt=0, description="Seconds until the server agrees to take a mail.")
    ] = 60.0
    final_limit: Annotated[
        float, msgspec.Meta(gt=0, description="Seconds from the mail's first byte to the last answer.")
    ] = 600.0  # RFC 5321, 4.5.3.2.6: giving up earlier makes duplicates
    idle_limit: Annotated[float, msgspec.Meta(ge=0, description="Seconds a connection is kept unused.")] = (
        60.0
    )


class Envelope(msgspec.Struct, frozen=True):
    """Who a mail comes from and goes to, apart from what is written in it."""

    sender: str
    recipient: str
    utf8: bool = False  # an address or a header holds UTF-8
    mark: str = ""  # ENVID: comes back in a delivery status notification


class Pool:
    """Connections to one relay, at most `relay.connections`, each used again and again."""

    def __init__(self, relay: Relay) -> None:
        self._relay, self._tls = relay, _tls_context(relay)
        self._places = asyncio.Semaphore(relay.connections)
        self._idle: list[_Session] = []

    async def send(self, envelope: Envelope, octets: bytes) -> str:
        """Hand over one mail and give the server's words of acceptance; errors as of Connection.deliver.

        A kept connection that turns out to be closed, or that says 421 (it wants no more mails
        over it), is replaced once: in both cases the mail was surely not taken.
        """
        async with self._places:
            try:
                return await self._send_over(self._take(), envelope, octets)
            except _WornOut:
                return await self._send_over(self._new(), envelope, octets)

    async def close(self) -> None:
        """End all connections that are not in use."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.end() for session in idle))

    async def _send_over(self, session: _Session, envelope: Envelope, octets: bytes) -> str:
        try:
            return await session.send(envelope, octets)
        finally:
            self._give_back(session)

    def _take(self) -> _Session:
        now = asyncio.get_running_loop().time()
        while self._idle:
            session = self._idle.pop()
            if session.ready and now - session.used <= self._relay.idle_limit:
                return session
            session.drop()
        return self._new()

    def _new(self) -> _Session:
        return _Session(self._relay, self._tls)

    def _give_back(self, session: _Session) -> None:
        if session.ready:
            session.used = asyncio.get_running_loop().time()
            self._idle.append(session)
        else:
            session.drop()


class _WornOut(TryLater):
    """A connection that served before is at its end, and the mail surely not taken."""


class _Session:
    """One connection.  `ready` between two mails only: whatever leaves a mail half-way leaves it unready."""

    def __init__(self, relay: Relay, tls: ssl.SSLContext | None) -> None:
        self._relay = relay
        self._client = SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=relay.hello or _our_name(),
            timeout=None,  # each phase has one limit of its own
            use_tls=relay.security == "tls",
            start_tls={"starttls": True, "when_offered": None}.get(relay.security, False),
            tls_context=tls,
            username=relay.username or None,
            password=relay.password or None,
        )
        self.used = 0.0
        self._served = 0
        self._between_mails = False
        self._must_reset = False

    @property
    def ready(self) -> bool:
        return self._between_mails and self._client.is_connected

    async def send(self, envelope: Envelope, octets: bytes) -> str:
        if not self._served:
            await self._open()
        self._between_mails = False
        try:
            await self._agree(envelope, len(octets))
            answer = await self._hand_over(octets)
        except (NotDelivered, TryLater):
            self._must_reset = self._between_mails = True
            raise
        else:
            self._between_mails = True
            return answer
        finally:
            self._served += 1

    def drop(self) -> None:
        if isinstance(self._client.transport, asyncio.WriteTransport):
            self._client.transport.abort()  # what has not left by now shall not leave later
        self._client.close()

    async def end(self) -> None:
        try:
            await self._client.quit(timeout=_FAREWELL)
        except SMTPException:
            self._client.close()

    async def _open(self) -> None:
        """Connect, greet, encrypt, log in.  Nothing that goes wrong here is the fault of a mail."""
        where = f"{self._relay.host}:{self._relay.port}"
        try:
            async with asyncio.timeout(self._relay.connect_limit):
                await self._client.connect()
                if self._client.is_ehlo_or_helo_needed:
                    await self._client.ehlo()
        except SMTPResponseException as answer:
            code = code_of(answer.code, answer.message)
            said = f"{answer.code} {shown(answer.message)}"
            raise TryLater(f"{where} lets us not in: {said}", code=code) from answer
        except (SMTPException, OSError) as trouble:  # TimeoutError and ssl.SSLError are OSErrors
            self._client.close()
            raise TryLater(
                f"no connection to {where}: {str(trouble) or 'too slow'}", code="connect"
            ) from trouble

    async def _agree(self, envelope: Envelope, size: int) -> None:
        """Everything up to the server's word that it will take the mail."""
        try:
            async with asyncio.timeout(self._relay.command_limit):
                if self._must_reset:
                    await self._agreed(b"RSET")
                await self._announce(envelope, size)
                await self._agreed(b"DATA", wanted=3)
        except TimeoutError:
            self.drop()
            limit = f"{self._relay.command_limit:g} s"
            raise TryLater(
                f"{self._relay.host} did not let us begin within {limit}", code="timeout"
            ) from None

    async def _announce(self, envelope: Envelope, size: int) -> None:
        """MAIL and RCPT, with what of SIZE, SMTPUTF8 and DSN the server offers."""
        offers = self._client.supports_extension
        if envelope.utf8 and not (offers("smtputf8") and offers("8bitmime")):
            raise NotDelivered(
                f"{envelope.recipient} needs SMTPUTF8, which {self._relay.host} does not offer", code="5.6.7"
            )
        notify = offers("dsn")
        options = [
            *([b"SIZE=%d" % size] if offers("size") else []),
            *([b"BODY=8BITMIME", b"SMTPUTF8"] if envelope.utf8 else []),
            *([b"RET=HDRS"] if notify else []),
            *([b"ENVID=" + envelope.mark.encode()] if notify and envelope.mark else []),
        ]
        await self._agreed(b"MAIL", b"FROM:<%s>" % envelope.sender.encode(), *options)
        wishes = [b"NOTIFY=FAILURE,DELAY"] if notify else []
        await self._agreed(b"RCPT", b"TO:<%s>" % envelope.recipient.encode(), *wishes)

    async def _hand_over(self, octets: bytes) -> str:
        """The mail.  Once its bytes are on the way, only an answer tells whether it was taken."""
        protocol = self._protocol()
        if b"\r\n." in octets:
            octets = octets.replace(b"\r\n.", b"\r\n..")  # RFC 5321, 4.5.2
        try:
            protocol.write(octets + b".\r\n")
        except SMTPException:
            raise self._gone("closed the connection") from None
        try:
            async with asyncio.timeout(self._relay.final_limit):
                answer = await protocol.read_response()
        except (SMTPException, TimeoutError) as trouble:
            self.drop()
            said = shown(str(trouble))
            raise OutcomeUnknown(f"no answer after the mail: {said}", code="unanswered") from trouble
        if answer.code // 100 not in (2, 4, 5):
            self.drop()
            raise OutcomeUnknown(
                f"no sense in the answer after the mail: {answer.code}", code=str(answer.code)
            )
        self._check(b"DATA", answer, wanted=2)
        self._must_reset = False
        return shown(answer.message)

    async def _agreed(self, *words: bytes, wanted: int = 2) -> None:
        try:
            answer = await self._protocol().execute_command(*words)
        except SMTPException as trouble:
            raise self._gone(shown(str(trouble))) from trouble
        self._check(words[0], answer, wanted)

    def _protocol(self) -> SMTPProtocol:
        """What speaks beneath the client, which would wait for an answer to the mail and to DATA as one."""
        if self._client.protocol is None:
            raise self._gone("closed the connection")
        return self._client.protocol

    def _check(self, verb: bytes, answer: SMTPResponse, wanted: int) -> None:
        """Raise what a refusal means: 4xx later, 5xx never; 421 says that the connection is at its end."""
        if answer.code // 100 == wanted:
            return
        if answer.code == 421:
            raise self._gone(f"{answer.code} {shown(answer.message)}", "421")
        code = code_of(answer.code, answer.message)
        words = f"{verb.decode()} was answered {answer.code} {shown(answer.message)}"
        if answer.code // 100 == 5:
            # A bare 5xx to anything but RCPT speaks of us or of the mail, not of the recipient.
            raise NotDelivered(words, code=code if "." in code or verb == b"RCPT" else "5.0.0")
        if answer.code // 100 != 4:
            self.drop()
        raise TryLater(words, code=code)

    def _gone(self, why: str, code: str = "connection") -> TryLater:
        self.drop()
        kind = _WornOut if self._served else TryLater
        return kind(f"{self._relay.host}: {why}", code=code)


def _tls_context(relay: Relay) -> ssl.SSLContext | None:
    """Made once, since reading the certificates takes 20 ms.  Raises Misconfigured."""
    if relay.username and relay.security in ("none", "when_offered"):
        raise Misconfigured("a password is not sent in plain text: set security to starttls or tls")
    if relay.security == "none":
        return None
    try:
        context = ssl.create_default_context(cafile=relay.ca_file or None)
    except OSError as trouble:
        raise Misconfigured(f"the certificates in {relay.ca_file} cannot be read: {trouble}") from trouble
    if not relay.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _our_name() -> str:
    """The machine's name if it is a full one, else an address literal (RFC 5321, 4.1.4); asks no DNS."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
