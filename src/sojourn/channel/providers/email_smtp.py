"""Sends e-mail through a mail server of one's own or of a relay, signed, over SMTP."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec

from sojourn.channel import bounces, complaints
from sojourn.channel.address import address_of_ours
from sojourn.channel.contract import Channel, Delivery, Feedback, Outgoing, Receipt
from sojourn.channel.dkim import DkimKey, Signer, signed
from sojourn.channel.mime import compose
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

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """Compose, sign, hand over; see Connection.deliver."""
        mail = signed(compose(outgoing), self._signers, outgoing.dated)
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
        await self._pool.close()


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
