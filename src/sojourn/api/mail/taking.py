"""Takes one mail that came in, by whichever door: reads it, and writes down what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Request, Router, post
from litestar.params import FromQuery
from sqlalchemy import Connection

from sojourn.api import feedback
from sojourn.api.authority import MAIL
from sojourn.api.parts import Given, Parts
from sojourn.api.tracking import body
from sojourn.api.visitors.consent import withdraw
from sojourn.api.visitors.told import sent
from sojourn.channel import providers
from sojourn.channel.contract import Channel, Feedback
from sojourn.channel.incoming import delivered, recipients
from sojourn.channel.seal import leaving_effect
from sojourn.message.tokens import Recipient
from sojourn.registry import declared

_LARGEST = 10 * 1024 * 1024  # bytes of one mail; far fewer are looked at
_MOST_RECIPIENTS = 20  # of one mail: ours are made for one mail each
_SOURCE = "unsubscribe mail"


class Understood(msgspec.Struct, frozen=True):
    """What was found in a mail, of messages that are ours; `left` is the effect of the one whose reader
    unsubscribes by it."""

    feedback: tuple[Feedback, ...] = ()
    left: str = ""


@post("/mail", status_code=200, request_max_body_size=None)
async def take_mail(
    request: Request[Any, Any, Any], parts: Given, to: FromQuery[list[str] | None] = None
) -> Understood:
    """Take one mail that came in, as it is (RFC 5322); `to` is the recipient of its envelope.

    What does not bear the seal of a message of ours changes nothing, so nobody can stop mails to
    somebody by a forged bounce.  The same mail again changes nothing either.
    """
    await parts.authority.allow(request.headers.get("authorization"), MAIL)
    raw = await body.whole(request.receive, _LARGEST, request.content_length)
    return await take(parts, raw, (to or [])[:_MOST_RECIPIENTS])


async def take(parts: Parts, raw: bytes, to: Sequence[str]) -> Understood:
    """What the mail says; it is durable when this answers."""
    understood = await asyncio.to_thread(_read, delivered(raw, to), [parts.publicly.seal])
    if understood != Understood():
        await parts.write(partial(_write, parts=parts, understood=understood))
    return understood


def _read(raw: bytes, seals: Sequence[bytes]) -> Understood:
    """Whoever writes to a leaving address leaves; else what the first provider finds that finds something."""
    if left := leaving_effect([recipients(raw)], seals):
        return Understood(left=left)
    readings = (channel.feedback(raw, seals) for channel in declared(providers, Channel).values())
    return Understood(tuple(next((found for found in readings if found), [])))


def _write(connection: Connection, parts: Parts, understood: Understood) -> None:
    feedback.write(connection, parts, understood.feedback)
    if understood.left:
        effect = int(understood.left, 16)
        message = sent(connection, [effect]).get(effect)
        if message:
            named = Recipient(message.customer, message.channel, str(message.said["purpose"]), effect)
            withdraw(connection, parts, named, _SOURCE)


router = Router("/feedback", route_handlers=[take_mail], tags=["Feedback"])
