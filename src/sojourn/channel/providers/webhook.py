"""Posts to a web address, signed by Standard Webhooks 1.0.0, so that the receiver can tell us and repeats."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import ssl
from typing import Annotated

import msgspec

from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt, Secret, Settings, shown
from sojourn.channel.guard import Allowed, Resolve, resolve
from sojourn.channel.retry import WEBHOOK
from sojourn.channel.web.calling import Answer, Caller
from sojourn.errors import Misconfigured, NotDelivered, OutcomeUnknown, TryLater

_PREFIX = "whsec_"


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """One endpoint."""

    url: str
    secrets: Annotated[
        tuple[Secret, ...],
        msgspec.Meta(min_length=1, max_length=2, description="`whsec_…`; two while one replaces the other."),
    ]
    content_type: Annotated[str, msgspec.Meta(pattern="^[ -~]+$")] = "application/json"
    time_limit: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds for one attempt.")] = 20.0
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    allowed: Annotated[Allowed, msgspec.Meta(description="Which addresses may be called.")] = Allowed()


class Webhook:
    """An open way out to one endpoint.

    `resolve` and `tls` are ports: the name service, and the certificates to trust.
    """

    def __init__(
        self, settings: WebhookSettings, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None
    ) -> None:
        self.slots = settings.connections
        self._settings = settings
        self._keys = [_key(secret) for secret in settings.secrets]
        self._caller = Caller(settings.connections, settings.time_limit, settings.allowed, resolve, tls)

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """One attempt; see Connection.deliver.

        The receiver drops repeats by `webhook-id`, so whatever fails is TryLater, whether or not
        the bytes arrived.  Only 410 is for good: the endpoint is to be disabled.
        """
        headers = {
            "content-type": self._settings.content_type,
            "user-agent": "Sojourn (webhooks)",
            **signature_headers(outgoing.effect, outgoing.now, outgoing.payload, self._keys),
        }
        try:
            answer = await self._caller.post(self._settings.url, outgoing.payload, headers)
        except OutcomeUnknown as trouble:
            raise TryLater(str(trouble), code=trouble.code) from trouble
        _check(answer, outgoing.now)
        said = {"status": answer.status, **_fields(answer.body)}
        return Receipt(answer.words, hashlib.sha256(outgoing.payload).hexdigest(), said)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._caller.close()


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_TAKEN = {"status", "effect", "template", "journey", "step", "channel", "purpose", "machine"}
_FIELDS = 32


def signature_headers(effect: str, now: int, payload: bytes, keys: list[bytes]) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0.0: the same id at every attempt, the attempt's own time.

    `now` is in microseconds UTC.  Each key makes one signature, of the exact bytes that are sent.
    """
    timestamp = str(now // 1_000_000)
    content = f"{effect}.{timestamp}.".encode() + payload
    signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "webhook-id": effect,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise Misconfigured("a webhook's secret is `whsec_` and 24 to 64 random bytes in base64")
    return key


def _check(answer: Answer, now: int) -> None:
    if answer.taken:
        return
    said = f"answered {answer.words}"
    if answer.status == 410:
        raise NotDelivered(said, code="410")
    raise TryLater(said, code=str(answer.status), retry_after=answer.retry_after(now))


def _fields(body: bytes) -> dict[str, str | int | float]:
    """What an answer in JSON says, as far as an event can carry it: texts and numbers by their names."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    fields = said.items() if isinstance(said, dict) else ()
    kept = [(name, value) for name, value in fields if _NAME.fullmatch(name) and name not in _TAKEN]
    plain = [(name, value) for name, value in kept if isinstance(value, str | bool | int | float)]
    return {name: shown(value, 500) if isinstance(value, str) else value for name, value in plain[:_FIELDS]}


CHANNEL = Channel(
    name="webhook",
    title="Webhook",
    kind="webhook",
    delivery=Delivery.DROPS_REPEATS,
    settings=WebhookSettings,
    open=Webhook,
    schedule=WEBHOOK,
)
