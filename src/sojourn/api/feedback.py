"""Feedback by mail: bounces and complaints, handed over as they came by whoever runs the mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
from litestar import Request, Router, post
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.api.tracking import body
from sojourn.api.visitors.consent import state
from sojourn.api.visitors.told import Mark, Sent, sent, tell
from sojourn.channel import providers
from sojourn.channel.contract import Channel, Feedback
from sojourn.channel.retry import Standing
from sojourn.message.consent import Consent
from sojourn.registry import declared
from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.store import consents, effects, messages
from sojourn.store.effects import State
from sojourn.tape.hashing import hash_text, mix

_LARGEST = 10 * 1024 * 1024  # bytes of one mail
_TOLD = {
    "delivered": ("Delivered", State.DELIVERED),
    "bounced": ("Bounced", State.BOUNCED),
    "complained": ("Marked as Spam", State.COMPLAINED),
}
"""What the tape hears and where the ledger goes; of a delay nobody hears."""


class Understood(msgspec.Struct, frozen=True):
    """What was found in a mail, of messages that are ours."""

    feedback: tuple[Feedback, ...]


@post("/mail", status_code=200, request_max_body_size=None)
async def take_mail(request: Request[Any, Any, Any], parts: Given) -> Understood:
    """Take one mail that came back, as it is (RFC 5322).

    What does not bear the seal of a message of ours changes nothing, so nobody can stop mails to
    somebody by a forged bounce.  The same mail again changes nothing either.
    """
    await parts.authority.allow(request.headers.get("authorization"), "write")
    raw = await body.whole(request.receive, _LARGEST, request.content_length)
    found = await asyncio.to_thread(_read, raw, [parts.publicly.seal])
    if found:
        await parts.write(partial(_write, parts=parts, found=found))
    return Understood(tuple(found))


def _read(raw: bytes, seals: Sequence[bytes]) -> list[Feedback]:
    """The first provider's reading that finds something."""
    readings = (channel.feedback(raw, seals) for channel in declared(providers, Channel).values())
    return next((found for found in readings if found), [])


def _write(connection: Connection, parts: Parts, found: Sequence[Feedback]) -> None:
    now = parts.database.now()
    known = sent(connection, [int(one.effect, 16) for one in found])
    ours = [(one, known[int(one.effect, 16)]) for one in found if int(one.effect, 16) in known]
    heard = [(one, message) for one, message in ours if one.kind in _TOLD]
    effects.report(
        connection,
        np.array([message.effect for _, message in heard], np.int64),
        np.array([int(_TOLD[one.kind][1]) for one, _ in heard], np.int64),
        [f"{one.code} {one.detail}".strip()[:500] for one, _ in heard],
    )
    tell(connection, parts.names, [_mark(connection, one, message, now) for one, message in heard], now)
    for one, message in heard:
        if one.standing is Standing.DEAD:
            hashed = address_hash(parts.publicly.seal, message.channel, _recipient(connection, message))
            consents.suppress(connection, message.channel, [hashed], one.kind, now)
        elif one.kind == "complained":
            said = Consent("withdrawn", now, message.channel, source="complaint")
            state(
                connection, parts, message.customer, said, int(mix(message.effect, hash_text("complaint"))[0])
            )


def _mark(connection: Connection, one: Feedback, message: Sent, now: int) -> Mark:
    what, _ = _TOLD[one.kind]
    said = {
        **message.said,
        "address": _recipient(connection, message),
        "code": one.code,
        "hard": one.standing is Standing.DEAD,
        "soft": one.standing is Standing.SOFT,
    }
    key = int(mix(message.effect, hash_text(f"{one.kind} {one.code}"))[0])
    return Mark(key, message.called(what), message.customer, now, said, run=message.run)


def _recipient(connection: Connection, message: Sent) -> str:
    """The address that we wrote to, whatever the report calls it."""
    found = messages.find(connection, np.array([message.effect])).get(message.effect)
    return found.recipient if found else ""


router = Router("/feedback", route_handlers=[take_mail], tags=["Feedback"])
