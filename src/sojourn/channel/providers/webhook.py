"""Posts to a web address, signed by Standard Webhooks 1.0.0, so that the receiver can tell us and repeats."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Annotated

import httpx
import msgspec

from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt, Secret, Settings, shown
from sojourn.channel.guard import Allowed, Resolve, Target, resolve, vetted
from sojourn.errors import Misconfigured, NotDelivered, TryLater

_PREFIX = "whsec_"
_LONGEST_ANSWER = 1024  # octets read of an answer, and the most a person is shown


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
        self._settings, self._resolve = settings, resolve
        self._keys = [_key(secret) for secret in settings.secrets]
        self._client = httpx.AsyncClient(
            verify=tls or _system_certificates(),
            trust_env=False,  # no proxy from the environment: it would resolve the name itself
            follow_redirects=False,
            timeout=settings.time_limit,
            limits=httpx.Limits(max_connections=settings.connections),
        )

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """One attempt; see Connection.deliver.

        The receiver drops repeats by `webhook-id`, so whatever fails is TryLater, whether or not
        the bytes arrived.  Only 410 is for good: the endpoint is to be disabled.
        """
        try:
            async with asyncio.timeout(self._settings.time_limit):
                target = await vetted(self._settings.url, self._settings.allowed, self._resolve)
                return await self._post(target, outgoing)
        except TimeoutError as trouble:
            raise TryLater(f"no answer within {self._settings.time_limit:g} s", code="timeout") from trouble
        except httpx.TimeoutException as trouble:
            raise TryLater(f"too slow: {trouble}", code="timeout") from trouble
        except httpx.HTTPError as trouble:
            raise TryLater(f"the connection failed: {trouble}", code="connection") from trouble

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def _post(self, target: Target, outgoing: Outgoing) -> Receipt:
        request = self._client.build_request(
            "POST",
            target.url,
            content=outgoing.payload,
            headers={
                "host": target.host,
                "content-type": self._settings.content_type,
                "user-agent": "Sojourn (webhooks)",
                **signature_headers(outgoing.effect, outgoing.now, outgoing.payload, self._keys),
            },
            extensions={"sni_hostname": target.server_name},
        )
        answer = await self._client.send(request, stream=True)
        try:
            words = await _beginning(answer)
        finally:
            await answer.aclose()
        _check(answer, words, outgoing.now)
        return Receipt(f"{answer.status_code} {words}".strip(), hashlib.sha256(outgoing.payload).hexdigest())


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


@cache
def _system_certificates() -> ssl.SSLContext:
    """Read once: it takes 20 ms, and there may be many endpoints."""
    return ssl.create_default_context()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise Misconfigured("a webhook's secret is `whsec_` and 24 to 64 random bytes in base64")
    return key


async def _beginning(answer: httpx.Response) -> str:
    """The first of the answer, as it came: it is not unpacked, so it cannot be a bomb."""
    octets = b""
    async for chunk in answer.aiter_raw():
        octets += chunk
        if len(octets) >= _LONGEST_ANSWER:
            break
    return shown(octets.decode("utf-8", "replace"), _LONGEST_ANSWER)


def _check(answer: httpx.Response, words: str, now: int) -> None:
    if answer.is_success:
        return
    said = f"answered {answer.status_code} {words}".strip()
    if answer.status_code == 410:
        raise NotDelivered(said, code="410")
    retry_after = _seconds(answer.headers.get("retry-after", ""), now)
    raise TryLater(said, code=str(answer.status_code), retry_after=retry_after)


def _seconds(retry_after: str, now: int) -> int:
    """Retry-After as seconds from now (RFC 9110, 10.2.3: a number or a date); 0 if it says nothing."""
    if retry_after.isascii() and retry_after.isdigit():
        return int(retry_after[:9])
    try:
        when = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    wait = when.replace(tzinfo=when.tzinfo or UTC) - datetime.fromtimestamp(now / 1_000_000, UTC)
    return max(int(wait.total_seconds()), 0)


CHANNEL = Channel(
    name="webhook",
    title="Webhook",
    kind="webhook",
    delivery=Delivery.DROPS_REPEATS,
    settings=WebhookSettings,
    open=Webhook,
)
