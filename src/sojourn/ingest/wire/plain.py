"""The quick way for what most calls are: a plain track by a server, with nothing in it to mend.

The decoder checks by types alone that a call is plain; whatever is not goes the general way
(segment.py), which gives the same event for a plain one, at twice the cost.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from sojourn.ingest.event import Event, Origin
from sojourn.ingest.reserved import outside
from sojourn.ingest.times import corrected, instant
from sojourn.ingest.values import LARGEST
from sojourn.ingest.wire.claimed import usable
from sojourn.ingest.wire.limits import SEGMENT
from sojourn.tape.hashing import hash_text

_Whole = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST - 1)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=SEGMENT.id_characters)]
_MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=SEGMENT.message_id_characters)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=SEGMENT.name_characters)]


class _Anything(msgspec.Struct, gc=False):
    """An object of which nothing is read."""


class _Nothing(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An object with nothing in it."""


class _Context(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    library: _Anything | None = None


class _Call(msgspec.Struct, rename="camel", gc=False):
    """A plain call; a field that may only be null makes any call that has it another kind."""

    type: Literal["track"]
    event: _Name
    message_id: _MessageId
    user_id: _Id | None = None
    anonymous_id: _Id | None = None
    timestamp: str | None = None
    properties: dict[str, str | _Whole | float | bool] = {}
    context: _Context | None = None
    integrations: _Nothing | None = None
    traits: None = None
    original_timestamp: None = None
    sent_at: None = None


_CALL = msgspec.json.Decoder(_Call)
"""Its limits are Segment's; of larger ones the general way knows."""


def plain(raw: bytes, sent: int | None, received: int) -> Event | None:
    """The event of a plain call in a batch without context or integrations; None where it is none.

    `sent` and `received` are microseconds UTC by the client's clock and by ours.
    """
    if len(raw) > SEGMENT.event_bytes or b"\\u0000" in raw:
        return None
    try:
        call = _CALL.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    identities = _identities(call)
    happened, clamped = corrected(instant(call.timestamp), sent, received)
    odd = clamped or len(call.properties) > SEGMENT.leaves or call.event != call.event.strip()
    if odd or not identities:
        return None
    key, name = hash_text(call.message_id), outside(call.event)
    return Event(key, name, identities, happened, received, _SERVER, call.properties)


_SERVER = int(Origin.SERVER)


def _identities(call: _Call) -> tuple[tuple[str, str], ...]:
    user = usable(call.user_id) if call.user_id else ""
    anonymous = usable(call.anonymous_id) if call.anonymous_id else ""
    if user and anonymous:
        return (("user_id", user), ("anonymous_id", anonymous))
    return (("user_id", user),) if user else (("anonymous_id", anonymous),) if anonymous else ()
