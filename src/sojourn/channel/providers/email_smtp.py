"""Sends e-mail through a mail server of one's own or of a relay, signed, over SMTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import msgspec

from sojourn.channel import bounces, complaints
from sojourn.channel.address import address_of_ours
from sojourn.channel.contract import Channel, Delivery, Feedback, Outgoing, Receipt
from sojourn.channel.dkim import DkimKey, Signer, signed
from sojourn.channel.mime import Mail, compose
from sojourn.channel.smtp import Envelope, Pool, Relay


class EmailSettings(Relay, frozen=True, kw_only=True):
    """A mail server, and the keys to sign with."""

    dkim: Annotated[
        tuple[DkimKey, ...],
        msgspec.Meta(description="One RSA key a sending domain; an Ed25519 key may stand beside it."),
    ] = ()


class Email:
    """An open way out by e-mail."""

    def __init__(self, settings: EmailSettings) -> None:
        self.slots = settings.connections
        self._signers = [Signer(key) for key in settings.dkim]
        self._pool = Pool(settings)
        # A signature takes 0.3 ms, and the library lets other threads run meanwhile.
        self._desk = ThreadPoolExecutor(1, "dkim")

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """Compose, sign, hand over; see Connection.deliver."""
        mail = await self._signed(compose(outgoing), outgoing.dated)
        return_path = address_of_ours(outgoing.return_path or outgoing.sender)
        utf8 = mail.utf8 or return_path.utf8 or mail.recipient.utf8
        mark = f"{outgoing.effect}.{outgoing.seal}" if outgoing.seal else outgoing.effect
        octets = mail.octets()
        reference = await self._pool.send(
            Envelope(return_path.mailbox, mail.recipient.mailbox, utf8, mark), octets
        )
        return Receipt(reference, hashlib.sha256(octets).hexdigest())

    async def close(self) -> None:
        """End all connections that are not in use."""
        self._desk.shutdown(wait=False)
        await self._pool.close()

    async def _signed(self, mail: Mail, dated: int) -> Mail:
        if not self._signers:
            return mail
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._desk, signed, mail, self._signers, dated)


def feedback(raw: bytes, keys: Sequence[bytes]) -> list[Feedback]:
    """What a mail that came in says about mails of ours: bounces (RFC 3464) and complaints (RFC 5965)."""
    return bounces.read(raw, keys) or complaints.read(raw, keys)


CHANNEL = Channel(
    name="email_smtp",
    title="E-mail by SMTP",
    kind="email",
    delivery=Delivery.BLIND,
    settings=EmailSettings,
    open=Email,
    feedback=feedback,
)
