"""Web push as browsers meet it: the key to subscribe with, a subscription that is kept, and its end."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, Router, delete, get, post
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.api.tracking import body, calls
from sojourn.api.visitors.consent import state
from sojourn.channel.providers.push_web import PushSettings
from sojourn.channel.web.encryption import Subscription, subscription
from sojourn.channel.web.vapid import Vapid
from sojourn.errors import Invalid, NotFound
from sojourn.ingest.wire import segment
from sojourn.ingest.wire.lenient import Envelope
from sojourn.ingest.wire.limits import SEGMENT
from sojourn.message.consent import Consent
from sojourn.runtime.dispatch.ways import CHANNELS, provider
from sojourn.store import customers
from sojourn.store.definitions import settings
from sojourn.store.reach import subscriptions
from sojourn.tape.hashing import hash_text, mix

SUBSCRIBED = "Push Subscribed"

_KIND = "push"
_SOURCE = "browser"
_LARGEST = 32 * 1024  # bytes of a call
_WORKER = Path(__file__).with_suffix(".js").read_bytes()


class Asked(msgspec.Struct, rename="camel"):
    """A browser's subscription, and whose it is: the ids that it sends with events."""

    subscription: msgspec.Raw
    user_id: Any = None
    anonymous_id: Any = None
    integrations: Any = None
    write_key: str = ""


class Ended(msgspec.Struct):
    """The address of a subscription, which only its browser and we know."""

    endpoint: str


class PublicKey(msgspec.Struct, rename="camel"):
    """What browsers subscribe with (`applicationServerKey`)."""

    public_key: str


@get("/", media_type="application/json")
async def key(parts: Given) -> PublicKey:
    """The key that a browser needs to subscribe."""
    given = await parts.read(partial(settings.get, name=CHANNELS, otherwise={}))
    found = provider(_KIND, given)
    own = found[1] if found else None
    if not isinstance(own, PushSettings):
        raise NotFound("web push is not set up")
    return PublicKey(Vapid(own.private_key, own.subject).public_key)


@post("/", status_code=200, media_type="application/json", request_max_body_size=None)
async def subscribe(request: Request[Any, Any, Any], parts: Given) -> dict[str, bool]:
    """Keep where a browser takes notifications; that it does is an event, and consent to them."""
    asked = _read(await body.whole(request.receive, _LARGEST, request.content_length), Asked)
    given = subscription(bytes(asked.subscription))
    envelope = Envelope([msgspec.Raw(_event(asked, given))], write_key=asked.write_key or None)
    found = await parts.authority.key(*calls.secrets(request, envelope, SEGMENT))
    source = calls.admitted(request, found, "track", SEGMENT, parts)
    calls.sheds(parts)
    reading = segment.read(envelope, source, parts.database.now(), "", "track")
    if reading.rejected:
        raise Invalid(reading.rejected[0].why, place=reading.rejected[0].place)
    await calls.stored(parts, reading, f"push by key {found.id}")
    whose = reading.events[0].identities
    await parts.write(partial(_keep, parts=parts, whose=whose, given=given))
    return {"success": True}


@delete("/", status_code=200, media_type="application/json", request_max_body_size=None)
async def leave(request: Request[Any, Any, Any], parts: Given) -> dict[str, bool]:
    """Send no more to a browser: it has unsubscribed, which withdraws consent."""
    ended = _read(await body.whole(request.receive, _LARGEST, request.content_length), Ended)
    await parts.write(partial(_end, parts=parts, endpoint=ended.endpoint))
    return {"success": True}


@get("/worker.js", media_type="text/javascript")
async def worker() -> Response[bytes]:
    """The part of a service worker that shows our notifications and opens what they lead to."""
    return Response(_WORKER, headers={"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"})


def _read(raw: bytes, form: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=form)
    except msgspec.DecodeError as trouble:
        raise Invalid(str(trouble), place="body") from None


def _event(asked: Asked, given: Subscription) -> bytes:
    """A track call that says so; the same subscription of the same person is one event."""
    named = {"userId": asked.user_id, "anonymousId": asked.anonymous_id}
    unique = msgspec.json.encode((named, given))
    call = {
        "type": "track",
        "event": SUBSCRIBED,
        "messageId": f"push-{hashlib.sha256(unique).hexdigest()}",
        "properties": {"service": urlsplit(given.endpoint).hostname or ""},
        "integrations": asked.integrations or {},
        **{name: value for name, value in named.items() if value is not None},
    }
    return msgspec.json.encode(call)


def _keep(
    connection: Connection, parts: Parts, whose: tuple[tuple[str, str], ...], given: Subscription
) -> None:
    now = parts.database.now()
    owners = customers.find(connection, whose).customers
    customer = int(owners[owners > 0][0])
    text = msgspec.json.encode(given).decode()
    if subscriptions.subscribe(connection, customer, given.endpoint, text, now):
        said = Consent("given", now, _KIND, source=_SOURCE)
        state(connection, parts, customer, said, _mark(given.endpoint, customer, now))


def _end(connection: Connection, parts: Parts, endpoint: str) -> None:
    now = parts.database.now()
    customer = subscriptions.leave(connection, endpoint, now)
    if customer:
        said = Consent("withdrawn", now, _KIND, source=_SOURCE)
        state(connection, parts, customer, said, _mark(endpoint, customer, now))


def _mark(endpoint: str, customer: int, now: int) -> int:
    return int(mix(hash_text(endpoint), customer, now)[0])


router = Router(
    "/v1/push",
    route_handlers=[key, subscribe, leave, worker],
    exception_handlers={Exception: calls.respond},
    response_headers=calls.CORS | {"Access-Control-Allow-Methods": "POST, GET, DELETE, OPTIONS"},
    tags=["Tracking"],
)
