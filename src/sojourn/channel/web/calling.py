"""Calls web addresses that were checked: one POST, and the beginning of the answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx
import msgspec

from sojourn.channel.contract import shown
from sojourn.channel.guard import Allowed, Resolve, resolve, vetted
from sojourn.errors import OutcomeUnknown, TryLater

LONGEST_ANSWER = 65_536
"""Octets read of an answer: those of interfaces echo what was sent, those of others are for people."""


class Answer(msgspec.Struct, frozen=True):
    """What the far side said."""

    status: int
    body: bytes  # its beginning, as it came: it is not unpacked, so it cannot be a bomb
    headers: Mapping[str, str]

    @property
    def taken(self) -> bool:
        """Whether it said yes."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.status} {shown(self.body.decode('utf-8', 'replace'), 1024)}".strip()

    def retry_after(self, now: int) -> int:
        """Seconds that it asks us to wait from `now`, 0 if it does not (RFC 9110, 10.2.3)."""
        return seconds(self.headers.get("retry-after", ""), now)


class Caller:
    """Connections to web addresses.  `resolve` and `tls` are ports: the name service, and whom to trust.

    Each call resolves the name once, checks where it leads and connects there.
    """

    def __init__(
        self,
        connections: int,
        time_limit: float,
        allowed: Allowed,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed, self._resolve, self._time_limit = allowed, resolve, time_limit
        self._client = httpx.AsyncClient(
            verify=tls or system_certificates(),
            trust_env=False,  # no proxy from the environment: it would resolve the name itself
            follow_redirects=False,
            timeout=httpx.Timeout(time_limit, connect=time_limit / 2),
            limits=httpx.Limits(max_connections=connections),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One POST.

        Raises NotDelivered where the address may not be called, TryLater where nothing was sent, and
        OutcomeUnknown where the request may have arrived and no answer came.
        """
        try:
            async with asyncio.timeout(self._time_limit):
                return await self._post(url, body, headers)
        except TimeoutError as trouble:
            raise OutcomeUnknown(f"no answer within {self._time_limit:g} s", code="timeout") from trouble
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as trouble:
            raise TryLater(f"not connected: {trouble}", code="connect") from trouble
        except httpx.TimeoutException as trouble:
            raise OutcomeUnknown(f"too slow: {trouble}", code="timeout") from trouble
        except httpx.HTTPError as trouble:
            raise OutcomeUnknown(f"the connection failed: {trouble}", code="connection") from trouble

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        target = await vetted(url, self._allowed, self._resolve)
        request = self._client.build_request(
            "POST",
            target.url,
            content=body,
            headers={"host": target.host, "accept-encoding": "identity", **headers},
            extensions={"sni_hostname": target.server_name},
        )
        answer = await self._client.send(request, stream=True)
        try:
            beginning = b""
            async for chunk in answer.aiter_raw():
                beginning += chunk
                if len(beginning) >= LONGEST_ANSWER:
                    break
        finally:
            await answer.aclose()
        return Answer(answer.status_code, beginning, answer.headers)


@cache
def system_certificates() -> ssl.SSLContext:
    """Read once: it takes 20 ms, and there may be many endpoints."""
    return ssl.create_default_context()


def seconds(retry_after: str, now: int) -> int:
    """Retry-After as seconds from `now` (microseconds UTC): a number or a date; 0 if it says nothing."""
    if retry_after.isascii() and retry_after.isdigit():
        return int(retry_after[:9])
    try:
        when = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    wait = when.replace(tzinfo=when.tzinfo or UTC) - datetime.fromtimestamp(now / 1_000_000, UTC)
    return max(int(wait.total_seconds()), 0)
