"""What people write back: a reply on their tape, or that they want no more, or messages again."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from sojourn.api.parts import Parts
from sojourn.api.visitors.consent import state, withdraw
from sojourn.api.visitors.told import Mark, Sent, sent, tell
from sojourn.channel.contract import Text
from sojourn.message.consent import Consent
from sojourn.message.tokens import Recipient
from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.store import customers, messages
from sojourn.store.reach import consents
from sojourn.tape.hashing import hash_text, mix

_SOURCE = "text message"
_STOPPED = "stop"
_PREFIX = {"sms": "SMS"}
_LONGEST = 1600  # characters that are kept of a text


def write(connection: Connection, parts: Parts, kind: str, text: Text) -> None:
    """Write down what somebody wrote, on the tape of everybody with this address; a repeat changes nothing.

    Of an address that is nobody's yet is remembered that nothing may be sent to it, or that it may.
    """
    latest = _latest(connection, text.sender)
    whose = sorted(latest) or _identified(connection, text.sender)
    for customer in whose:
        _tell(connection, parts, kind, text, customer, latest.get(customer))
    hashed = address_hash(parts.publicly.seal, kind, text.sender)
    if text.wish == "stop" and not whose:
        consents.suppress(connection, kind, [hashed], _STOPPED, parts.database.now())
    if text.wish == "start" and consents.suppressed(connection, kind, [hashed]).get(hashed) == _STOPPED:
        consents.release(connection, kind, hashed)


def _latest(connection: Connection, number: str) -> dict[int, Sent]:
    """The last message that each customer got at this number, by whose customer they are now."""
    found: dict[int, Sent] = {}
    for message in messages.to_number(connection, number):
        known = sent(connection, [message.effect]).get(message.effect)
        owner = int(customers.customers_of(connection, np.array([message.customer]))[0])
        if known and owner:
            found.setdefault(owner, known)
    return found


def _identified(connection: Connection, number: str) -> list[int]:
    """Who is known by this number, to whom we have never written."""
    owners = customers.find(connection, [("phone", number)]).customers
    return [int(owner) for owner in owners if owner]


def _tell(
    connection: Connection, parts: Parts, kind: str, text: Text, customer: int, about: Sent | None
) -> None:
    now = parts.database.now()
    key = int(mix(hash_text(f"{kind} {text.reference}"), customer)[0])
    said = {"from": text.sender, "to": text.recipient, "text": text.text[:_LONGEST]}
    if text.wish:
        said["wish"] = text.wish
    replies = about is not None and not text.wish
    name = f"{_PREFIX.get(kind, kind.capitalize())} {'Replied' if replies else 'Received'}"
    known = about.said if about else {"channel": kind}
    mark = Mark(key, name, customer, now, {**known, **said}, run=about.run if about else 0)
    if tell(connection, parts.names, [mark], now)[0] and text.wish in ("stop", "start"):
        _agree(connection, parts, kind, text, customer, about)


def _agree(
    connection: Connection, parts: Parts, kind: str, text: Text, customer: int, about: Sent | None
) -> None:
    """STOP is a no to all messages of this kind, START a yes; what was written proves it."""
    proof = {"text": text.text[:_LONGEST], "reference": text.reference, "to": text.recipient}
    if text.wish == "stop":
        named = Recipient(customer, kind, "", about.effect if about else 0)
        withdraw(connection, parts, named, _SOURCE, proof=proof)
        return
    said = Consent("given", parts.database.now(), kind, source=_SOURCE)
    key = int(mix(hash_text(f"start {text.reference}"), customer)[0])
    state(connection, parts, customer, said, key, proof=proof)
