"""Double opt-in: someone asks with an address, and its owner says yes by a button, once and in time.

The link in the mail leads to a page with that button: what scanners fetch confirms nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sojourn.message.consent import DOUBLE_OPT_IN, Consent
from sojourn.message.tokens import Confirmation

VALID = 7 * 86_400_000_000
"""How long the link holds: who was on holiday still finds it, who got it by mistake is rid of it."""


class Pending(msgspec.Struct, frozen=True):
    """A consent that was asked for and is not given yet."""

    id: int
    customer: int
    channel: str
    purpose: str
    asked: int  # microseconds UTC
    expires: int  # microseconds UTC
    source: str = ""  # the form by which it was asked
    text_version: str = ""
    ip: str = ""
    confirmed: int = 0  # microseconds UTC; 0: not yet

    @property
    def confirmation(self) -> Confirmation:
        """What the token in the mail names."""
        return Confirmation(self.id, self.expires)


class Answer(msgspec.Struct, frozen=True):
    """What to show, and the consent to write down where there is a new one."""

    page: Literal["button", "thanks", "expired", "neutral"]
    pending: Pending | None = None  # as it is from now on
    consent: Consent | None = None


def ask(wanted: Consent, customer: int, key: int) -> Pending:
    """The opt-in that a form asks for; `key` is that of the event by which it came."""
    return Pending(
        id=key,
        customer=customer,
        channel=wanted.channel,
        purpose=wanted.purpose,
        asked=wanted.happened,
        expires=wanted.happened + VALID,
        source=wanted.source,
        text_version=wanted.text_version,
        ip=wanted.ip,
    )


def answer(
    named: Confirmation | None, pending: Pending | None, method: str, now: int, ip: str = ""
) -> Answer:
    """What a visit with a token comes to.

    `named` is what the verified token names, None where it is not ours; `pending` is what the store
    has under its id.  Only a POST confirms; the second one changes nothing.
    """
    if named is None or pending is None or named != pending.confirmation:
        return Answer("neutral")
    if pending.confirmed:
        return Answer("thanks", pending)
    if now >= pending.expires:
        return Answer("expired", pending)
    if method != "POST":
        return Answer("button", pending)
    return Answer("thanks", msgspec.structs.replace(pending, confirmed=now), _consent(pending, now, ip))


def _consent(pending: Pending, now: int, ip: str) -> Consent:
    return Consent(
        state="given",
        happened=now,
        channel=pending.channel,
        purpose=pending.purpose,
        source=DOUBLE_OPT_IN,
        text_version=pending.text_version,
        ip=ip,
    )
