"""Peers on loopback for the tests of channels: mail servers and web servers that do as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from sojourn.channel.contract import Outgoing
from sojourn.channel.providers.email_smtp import Email, EmailSettings
from sojourn.channel.seal import return_path, sealed

KEY = b"a key of the installation, 32 b."
EFFECT = "0123456789abcdef"


def outgoing(**changes: Any) -> Outgoing:
    """A message with everything set, but for these changes."""
    effect = changes.pop("effect", EFFECT)
    values: dict[str, Any] = {
        "effect": effect,
        "recipient": "ada@example.org",
        "recipient_name": "Ada",
        "sender": "news@shop.example",
        "sender_name": "The Shop",
        "subject": "Hello",
        "text": "Hello Ada",
        "html": "<p>Hello Ada</p>",
        "return_path": return_path(effect, KEY, "bounce.shop.example"),
        "seal": sealed(effect, KEY),
        "unsubscribe_url": "https://shop.example/u/token",
        "unsubscribe_mail": "leave@shop.example",
        "list_id": "news.shop.example",
        "feedback_id": "welcome:hello:shop",
        "dated": 1_760_000_000_000_000,
        "now": 1_760_000_100_000_000,
    }
    return Outgoing(**(values | changes))


@dataclass
class Inbox:
    """An aiosmtpd handler that keeps what it takes; `answer(verb, word)` may say something else than 250."""

    answer: Callable[[str, str], str | None] = lambda _verb, _word: None
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)
    resets: int = 0

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.sessions.add(id(session))
        refusal = self.answer("MAIL", address)
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self.answer("RCPT", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_RSET(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        self.resets += 1
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self.answer("DATA", envelope.rcpt_tos[0])
        if refusal is None:
            self.envelopes.append(envelope)
        return refusal or f"250 2.0.0 Ok: queued as {len(self.envelopes)}"

    @property
    def octets(self) -> list[bytes]:
        """What was received, byte for byte."""
        return [envelope.original_content or b"" for envelope in self.envelopes]

    @property
    def mails(self) -> list[EmailMessage]:
        """What was received, as the standard library reads it."""
        return [message_from_string(octets.decode(), policy=policy.default) for octets in self.octets]


@contextlib.asynccontextmanager
async def mail_server(inbox: Inbox, **parameters: Any) -> AsyncIterator[int]:
    """An aiosmtpd with this inbox; gives its port."""
    loop = asyncio.get_running_loop()
    context = parameters.pop("implicit_tls", None)
    parameters.setdefault("enable_SMTPUTF8", True)
    server = await loop.create_server(
        lambda: SMTP(inbox, hostname="sink.example", loop=loop, **parameters), "127.0.0.1", 0, ssl=context
    )
    async with _closed_after(server) as port:
        yield port


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def scripted(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that runs the script for each connection; gives its port."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=tls)
    async with _closed_after(server) as port:
        yield port


@contextlib.asynccontextmanager
async def _closed_after(server: asyncio.Server) -> AsyncIterator[int]:
    before = asyncio.all_tasks()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0.01)  # transports close in the loop's next rounds


@contextlib.asynccontextmanager
async def email(port: int, **settings: Any) -> AsyncIterator[Email]:
    """The channel, open to that port of this machine."""
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "hello": "client.example",
    }
    limits = {"connect_limit": 10.0, "command_limit": 10.0, "final_limit": 10.0}
    channel = Email(EmailSettings(**(values | limits | settings)))
    try:
        yield channel
    finally:
        await channel.close()


@cache
def private_key(kind: str) -> str:
    """A key to sign with, in PEM; made once, since RSA takes a while."""
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def server_tls(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, str]:
    """A server's TLS with a certificate of our own making for that name, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    with contextlib.suppress(ValueError):
        names = [x509.IPAddress(ipaddress.ip_address(name))]
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, secret = folder / f"{name}.crt", folder / f"{name}.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, secret)
    return context, str(public)
