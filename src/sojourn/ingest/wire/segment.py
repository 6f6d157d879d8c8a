"""Reads the calls of Segment's tracking API as events.

Source: segment.com/docs/connections/sources/catalog/libraries/server/http-api and .../spec.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sojourn.errors import Invalid
from sojourn.ingest.event import (
    GROUP_JOINED,
    IDENTIFIED,
    PAGE_VIEWED,
    SCREEN_VIEWED,
    Event,
    Origin,
    Reading,
    Rejected,
    Value,
)
from sojourn.ingest.reserved import outside
from sojourn.ingest.times import corrected, instant
from sojourn.ingest.values import flat
from sojourn.ingest.wire import lenient
from sojourn.ingest.wire.claimed import claimed, identifier
from sojourn.ingest.wire.lenient import Call, Envelope
from sojourn.ingest.wire.limits import Limits
from sojourn.ingest.wire.plain import plain
from sojourn.ingest.wire.trust import Identities, Source, believed, unconfirmed
from sojourn.tape.hashing import hash_text

_NAMES = {"identify": IDENTIFIED, "page": PAGE_VIEWED, "screen": SCREEN_VIEWED, "group": GROUP_JOINED}
CALLS = ("identify", "track", "page", "screen", "group", "alias")

_EVERYWHERE = {"All": True}  # said by some clients of every call, and true without
_READ_ELSEWHERE = frozenset({"traits", "library", "externalIds"})  # of the context; the library is noise


class _Request(NamedTuple):
    """What the calls of one request have in common."""

    envelope: Envelope
    kind: str
    source: Source
    origin: int
    trusted: bool
    received: int
    sent: int | None
    salt: str


def read(envelope: Envelope, source: Source, received: int, salt: str, kind: str = "") -> Reading:
    """The events of a batch, received at this instant (microseconds UTC), and what cannot be taken.

    `salt` differs from request to request: the ids of calls without a messageId are made with it.
    `kind` is what every call is where the path says so, else each says it itself.
    """
    sent = instant(envelope.sent_at)
    request = _Request(envelope, kind, source, int(source.origin), source.trusted, received, sent, salt)
    events, rejected = list[Event](), list[Rejected]()
    quick = source.origin == Origin.SERVER and not (kind or envelope.context or envelope.integrations)
    for index, raw in enumerate(envelope.batch):
        try:
            if index >= source.limits.events:
                raise Invalid(f"more than {source.limits.events:,} events in a batch")
            event = plain(bytes(raw), sent, received) if quick else None
            if not event:  # calls come in kinds: after one that is not plain few are
                quick = False
                event = _event(lenient.call(raw, source.limits), request, index)
            if event:
                events.append(event)
        except Invalid as error:
            rejected.append(Rejected(bytes(raw), error.message, error.place))
    return Reading(tuple(events), tuple(rejected))


def _event(call: Call, request: _Request, index: int) -> Event | None:
    """The event that a call tells of; None where it says nothing that may be believed."""
    source, limits = request.source, request.source.limits
    kind = request.kind or call.type
    if kind not in CALLS:
        raise Invalid(f"must be one of {', '.join(CALLS)}", place="type")
    context = _merged(request.envelope.context, call.context, "context")
    settings = _merged(request.envelope.integrations, call.integrations, "integrations")
    traits = _traits(call, kind, context, limits) if context or kind == "identify" else {}
    identities = claimed(call, context, traits, limits)
    if not request.trusted:
        said, identities = identities, believed(identities, settings.get("Sojourn"), source)
        traits = unconfirmed(traits, said, identities)
    if kind == "alias":
        identities = _alias(call, identities, limits)
        if not identities:
            return None
    happened, received, clamped = _instants(call, request)
    properties = _properties(call, kind, limits)
    if context or settings or clamped or not request.trusted:
        properties |= _noted(context, settings, source, clamped)
    key, name = _key(call, request, index), _NAMES.get(kind) or _name(call, kind, limits)
    origin, alias = request.origin, kind == "alias"
    return Event(key, name, identities, happened, received, origin, properties, traits, alias)


def _merged(outer: Any, inner: Any, place: str) -> dict[str, Any]:
    """A batch's context or integrations under those of one of its calls."""
    for given in (outer, inner):
        if given and not isinstance(given, dict):
            raise Invalid("must be an object", place=place)
    return {**outer, **inner} if outer and inner else outer or inner or {}


def _traits(call: Call, kind: str, context: dict[str, Any], limits: Limits) -> dict[str, Value]:
    """The person's traits; a group call's own are the group's.  A browser knows its time zone."""
    given = context.get("traits")
    traits = flat(given, "context.traits", limits, nulls=True) if given else {}
    if kind == "identify":
        traits |= flat(call.traits, "traits", limits, nulls=True)
        zone = context.get("timezone")
        if isinstance(zone, str) and zone:
            traits.setdefault("timezone", zone)
    return traits


def _alias(call: Call, new: Identities, limits: Limits) -> Identities:
    """The new id and the previous one, nothing where the new one may not be claimed."""
    previous = identifier(call.previous_id, "previousId", limits)
    if not previous:
        raise Invalid("is required", place="previousId")
    named = tuple(pair for pair in new if pair[0] in {"user_id", "anonymous_id"})[:1]
    return (*named, ("previous_id", previous)) if named else ()


def _instants(call: Call, request: _Request) -> tuple[int, int, bool]:
    """When it happened, when we count it as received, and whether its clock was pulled back."""
    original = instant(call.timestamp if call.original_timestamp is None else call.original_timestamp)
    if request.origin == Origin.IMPORT.value:
        happened, clamped = corrected(original, None, request.received)
        return happened, happened, clamped
    sent = request.sent if call.sent_at is None else instant(call.sent_at)
    happened, clamped = corrected(original, sent, request.received)
    return happened, request.received, clamped


def _key(call: Call, request: _Request, index: int) -> int:
    given, limits = call.message_id, request.source.limits
    message_id = given if type(given) is str else identifier(given, "messageId", limits)
    if len(message_id) > limits.message_id_characters:
        raise Invalid(f"longer than {limits.message_id_characters} characters", place="messageId")
    return hash_text(message_id or f"made.{request.salt}.{index}")


def _name(call: Call, kind: str, limits: Limits) -> str:
    if kind == "alias":
        return ""
    name = call.event if type(call.event) is str else identifier(call.event, "event", limits)
    name = name.strip()
    if not name:
        raise Invalid("is required", place="event")
    if len(name) > limits.name_characters:
        raise Invalid(f"longer than {limits.name_characters} characters", place="event")
    return outside(name)


def _properties(call: Call, kind: str, limits: Limits) -> dict[str, Value]:
    properties = flat(call.properties, "properties", limits)
    if kind == "track":
        return properties
    if kind in {"page", "screen"}:
        for field, value in (("name", call.name), ("category", call.category)):
            if isinstance(value, str) and value:
                properties[field] = value
    elif kind == "group":
        group = identifier(call.group_id, "groupId", limits)
        if not group:
            raise Invalid("is required", place="groupId")
        properties |= {"group": group, **flat(call.traits, "traits", limits, "group.")}
    return properties


def _noted(
    context: dict[str, Any], settings: dict[str, Any], source: Source, clamped: bool
) -> dict[str, Value]:
    """Where and how it happened, and to whom it may be passed on."""
    noted: dict[str, Value] = {}
    kept = {name: value for name, value in context.items() if name not in _READ_ELSEWHERE}
    if kept:
        noted = flat(kept, "context", source.limits, "context.")
    if source.address:
        noted.setdefault("context.ip", source.address)
    if clamped:
        noted["context.clamped"] = True
    if settings and settings != _EVERYWHERE:
        others = {name: value for name, value in settings.items() if name != "Sojourn"}
        noted |= flat(others, "integrations", source.limits, "integrations.")
    return noted
