"""How near sending comes to what a mail server can take: one worker, 8 connections, mails as in life.

The ceiling is a bare client that knows the bytes beforehand and sends them in the same dialogue
over as many connections.  The two take turns against one aiosmtpd in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
from multiprocessing.connection import Connection as Pipe

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.row import Row, rounded
from sojourn.channel.contract import Outgoing
from sojourn.channel.dkim import DkimKey, Signer, signed
from sojourn.channel.mime import compose
from sojourn.channel.providers.email_smtp import Email, EmailSettings
from sojourn.channel.seal import return_path, sealed

CONNECTIONS = 8
BAR = 0.8
MAILS, ROUNDS = 200, 15
_SEAL_KEY = b"a key of the installation, 32 b."


def measure(*, small: bool) -> list[Row]:
    """Mails a second, and what share of the bare client's that is.

    The best of many short rounds each: whatever else the machine does takes from both, but more
    from the one that has more to do.
    """
    here, there = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=_sink, args=(there,), daemon=True)
    sink.start()
    try:
        ours, bare = asyncio.run(_turns(here.recv(), MAILS, ROUNDS // 3 if small else ROUNDS))
    finally:
        sink.terminate()
        sink.join()
    ratio = rounded(max(ours) / max(bare))
    more = {"octets_a_mail": len(_prepared(_outgoing(0), Signer(_key()))[1])}
    return [Row("mail over SMTP", rounded(max(ours)), "mails/s", BAR, ratio, "a bare client", more=more)]


def _sink(pipe: Pipe) -> None:
    """A mail server that takes everything and keeps nothing."""

    class Taker:
        async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
            return "250 2.0.0 Ok: taken"

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Taker(), hostname="sink.example", loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def _turns(port: int, mails: int, rounds: int) -> tuple[list[float], list[float]]:
    key = _key()
    messages = [_outgoing(number) for number in range(mails)]
    prepared = [_prepared(message, Signer(key)) for message in messages]
    channel = Email(
        EmailSettings(
            host="127.0.0.1",
            port=port,
            security="none",
            connections=CONNECTIONS,
            hello="bench.example",
            dkim=(key,),
        )
    )
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(mails / await _timed_bare(port, prepared))
        ours.append(mails / await _timed_ours(channel, messages))
    await channel.close()
    return ours, bare


async def _timed_ours(channel: Email, messages: list[Outgoing]) -> float:
    """Composing, signing, sending: all that a worker does for a mail once it is rendered."""
    left = iter(messages)

    async def deliver() -> None:
        for message in left:
            await channel.deliver(message)

    began = time.perf_counter()
    await asyncio.gather(*(deliver() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


async def _timed_bare(port: int, prepared: list[tuple[bytes, bytes]]) -> float:
    left = iter(prepared)

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"EHLO bench.example\r\n")
        while not re.match(rb"\d{3} ", await reader.readline()):
            pass
        for envelope, octets in left:
            for part in (*envelope.splitlines(keepends=True), octets):
                writer.write(part)
                answer = await reader.readline()
                if answer[:1] not in b"23":
                    raise RuntimeError(f"the sink says {answer!r}")
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


def _prepared(outgoing: Outgoing, signer: Signer) -> tuple[bytes, bytes]:
    """The commands, and the bytes after DATA, as our own client sends them."""
    mail = signed(compose(outgoing), [signer], outgoing.dated)
    octets = mail.octets()
    sender = f"MAIL FROM:<{outgoing.return_path}> SIZE={len(octets)}\r\n"
    recipient = f"RCPT TO:<{mail.recipient.mailbox}>\r\n"
    return f"{sender}{recipient}DATA\r\n".encode(), octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _outgoing(number: int) -> Outgoing:
    """A newsletter of 9 kB of HTML in lines as people write it, with its text."""
    effect = f"{number + 1:016x}"
    rows = [_ROW.format(item=item, number=number) for item in range(20)]
    return Outgoing(
        effect=effect,
        recipient=f"customer{number}@example.org",
        recipient_name=f"Customer № {number}",
        sender="news@shop.example",
        sender_name="The Shop",
        subject=f"Your week, customer {number} – new things",
        text="\n".join(f"Item {item}: for you, {number}.90 EUR" for item in range(20)),
        html="\n".join(["<html>", "<body>", "<table>", *rows, "</table>", "</body>", "</html>"]),
        return_path=return_path(effect, _SEAL_KEY, "bounce.shop.example"),
        seal=sealed(effect, _SEAL_KEY),
        unsubscribe_url=f"https://shop.example/u/{effect}",
        list_id="news.shop.example",
        dated=1_760_000_000_000_000,
    )


_ROW = """  <tr>
    <td style="padding:10px 25px">
      <a href="https://shop.example/c/{item}-{number}" style="color:#326ce5;text-decoration:none">
        <img src="https://shop.example/i/{item}.jpg" alt="Item {item}" width="120" height="80" />
      </a>
    </td>
    <td style="font-family:Ubuntu,Helvetica,sans-serif;font-size:14px">
      <p>Item {item}: only {number}.90 EUR this week, made of wool from hills nearby.</p>
    </td>
  </tr>"""


def _key() -> DkimKey:
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return DkimKey(domain="shop.example", selector="bench", private_key=private.decode())
