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
from sojourn.ingest.values import flat, present
from sojourn.ingest.wire import lenient
from sojourn.ingest.wire.claimed import claimed, identifier
from sojourn.ingest.wire.lenient import Call, Envelope
from sojourn.ingest.wire.limits import Limits
from sojourn.ingest.wire.trust import Identities, Source, believed, unconfirmed
from sojourn.tape.hashing import hash_text

_NAMES = {"identify": IDENTIFIED, "page": PAGE_VIEWED, "screen": SCREEN_VIEWED, "group": GROUP_JOINED}
CALLS = ("identify", "track", "page", "screen", "group", "alias")

_READ_ELSEWHERE = frozenset({"traits", "library", "externalIds"})  # of the context; the library is noise


class _Request(NamedTuple):
    envelope: Envelope
    kind: str
    source: Source
    received: int
    sent: int | None
    salt: str


def read(envelope: Envelope, source: Source, received: int, salt: str, kind: str = "") -> Reading:
    """The events of a batch, received at this instant (microseconds UTC), and what cannot be taken.

    `salt` differs from request to request: the ids of calls without a messageId are made with it.
    `kind` is what every call is where the path says so, else each says it itself.
    """
    request = _Request(envelope, kind, source, received, instant(envelope.sent_at), salt)
    events, rejected = list[Event](), list[Rejected]()
    for index, raw in enumerate(envelope.batch):
        try:
            if index >= source.limits.events:
                raise Invalid(f"more than {source.limits.events:,} events in a batch")
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
    traits = _traits(call, kind, context, limits)
    said = claimed(call, context, traits, limits)
    believable = believed(said, settings.get("Sojourn") or {}, source)
    if kind == "alias":
        believable = _alias(call, believable, limits)
        if not believable:
            return None
    happened, received, clamped = _instants(call, request)
    properties = _properties(call, kind, limits)
    _note(properties, context, settings, source)
    if clamped:
        properties["context.clamped"] = True
    return Event(
        key=_key(call, request, index),
        name=_NAMES.get(kind) or _name(call, kind, limits),
        identities=believable,
        happened=happened,
        received=received,
        origin=source.origin,
        properties=properties,
        traits=unconfirmed(traits, said, believable, source) if traits or not source.trusted else traits,
        alias=kind == "alias",
    )


def _merged(outer: Any, inner: Any, place: str) -> dict[str, Any]:
    """A batch's context or integrations under those of one of its calls."""
    for given in (outer, inner):
        if given is not None and not isinstance(given, dict):
            raise Invalid("must be an object", place=place)
    return {**outer, **inner} if outer and inner else outer or inner or {}


def _traits(call: Call, kind: str, context: dict[str, Any], limits: Limits) -> dict[str, Value]:
    """The person's traits; a group call's own are the group's.  A browser knows its time zone."""
    traits = flat(context.get("traits"), "context.traits", limits) if context else {}
    if kind == "identify":
        traits |= flat(call.traits, "traits", limits)
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
    original = instant(call.original_timestamp if call.original_timestamp is not None else call.timestamp)
    if request.source.origin == Origin.IMPORT:
        happened, clamped = corrected(original, None, request.received)
        return happened, happened, clamped
    sent = request.sent if call.sent_at is None else instant(call.sent_at)
    happened, clamped = corrected(original, sent, request.received)
    return happened, request.received, clamped


def _properties(call: Call, kind: str, limits: Limits) -> dict[str, Value]:
    properties = present(flat(call.properties, "properties", limits))
    if kind in {"page", "screen"}:
        for field, value in (("name", call.name), ("category", call.category)):
            if isinstance(value, str) and value:
                properties[field] = value
    elif kind == "group":
        group = identifier(call.group_id, "groupId", limits)
        if not group:
            raise Invalid("is required", place="groupId")
        properties["group"] = group
        properties |= _under("group.", present(flat(call.traits, "traits", limits)))
    return properties


def _note(
    properties: dict[str, Value], context: dict[str, Any], settings: dict[str, Any], source: Source
) -> None:
    """Adds where and how it happened, and to whom it may be passed on."""
    if context:
        kept = {name: value for name, value in context.items() if name not in _READ_ELSEWHERE}
        properties |= _under("context.", present(flat(kept, "context", source.limits)))
    if source.address:
        properties.setdefault("context.ip", source.address)
    others = {name: value for name, value in settings.items() if name != "Sojourn"}
    if others:
        properties |= _under("integrations.", present(flat(others, "integrations", source.limits)))


def _under(prefix: str, values: dict[str, Value]) -> dict[str, Value]:
    return {prefix + name: value for name, value in values.items()}


def _key(call: Call, request: _Request, index: int) -> int:
    longest = request.source.limits.message_id_characters
    message_id = identifier(call.message_id, "messageId", request.source.limits)
    if len(message_id) > longest:
        raise Invalid(f"longer than {longest} characters", place="messageId")
    return hash_text(message_id or f"made.{request.salt}.{index}")


def _name(call: Call, kind: str, limits: Limits) -> str:
    if kind == "alias":
        return ""
    name = identifier(call.event, "event", limits)
    if not name:
        raise Invalid("is required", place="event")
    if len(name) > limits.name_characters:
        raise Invalid(f"longer than {limits.name_characters} characters", place="event")
    return outside(name)
