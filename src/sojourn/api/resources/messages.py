"""Messages as the ledger knows them: what failed, of what nobody knows, and sending it again by hand."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

import msgspec
import numpy as np
from litestar import get, post
from litestar.params import FromPath, QueryParameter
from sqlalchemy import Connection

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.errors import Conflict, NotFound
from sojourn.runtime.explain import iso
from sojourn.store import effects
from sojourn.store.effects import Effects, State

_EFFECT = re.compile("[0-9a-f]{16}")
_MOST = 1000

Ended = Literal["unknown", "failed", "bounced"]


class Message(msgspec.Struct, frozen=True):
    """One message of the ledger; `reference` and `reason` are the far side's words."""

    effect: str
    state: str
    customer: int
    channel: str
    template: str
    planned: str  # ISO 8601, UTC
    attempts: int
    reference: str
    reason: str


@get("/")
async def show(
    parts: Given,
    ended: Annotated[Ended, QueryParameter()] = "unknown",
    limit: Annotated[int, QueryParameter(ge=1, le=_MOST)] = 100,
) -> list[Message]:
    """The latest messages that ended so, newest first: by default those of which nobody knows."""
    found = await parts.read(partial(effects.in_state, state=State[ended.upper()], limit=limit))
    return _shown(found)


@post("/{effect:str}/resend", status_code=200, opt={"scope": "send"})
async def resend(effect: FromPath[str], parts: Given) -> Message:
    """Send again what failed, or of which nobody knows: the same words, under the same id.

    Whether it may be sent is asked anew.  Anything else is a conflict.
    """
    if not _EFFECT.fullmatch(effect):
        raise NotFound("there is no such message")
    return await parts.write(partial(_resent, key=int(effect, 16), now=parts.database.now()))


resource = Resource("messages", (show, resend))


def _resent(connection: Connection, key: int, now: int) -> Message:
    keys = np.array([key])
    moved = effects.replan(connection, keys, now)[0]
    found = _shown(effects.by_key(connection, keys))
    if not found:
        raise NotFound("there is no such message")
    if not moved:
        raise Conflict(f"the message is {found[0].state}: only one that failed or is unknown is sent again")
    return found[0]


def _shown(found: Effects) -> list[Message]:
    return [
        Message(
            effect=f"{int(found.keys[n]):016x}",
            state=State(int(found.states[n])).name.lower(),
            customer=int(found.customers[n]),
            channel=found.channels[n],
            template=found.templates[n],
            planned=iso(int(found.planned[n])),
            attempts=int(found.attempts[n]),
            reference=found.provider_refs[n],
            reason=found.reasons[n],
        )
        for n in range(len(found))
    ]
