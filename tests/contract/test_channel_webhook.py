"""Webhooks against a real web server: what is sent can be verified, and what is answered decides."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from channel_peers import EFFECT, outgoing, scripted, server_tls
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from sojourn.channel.contract import Outgoing
from sojourn.channel.guard import Allowed
from sojourn.channel.providers.webhook import Webhook, WebhookSettings
from sojourn.errors import FarSideError, Misconfigured, NotDelivered, TryLater

SECRET = "whsec_" + base64.b64encode(b"a secret of 32 random bytes....!").decode()
NEXT_SECRET = "whsec_" + base64.b64encode(b"and the one that comes after it!").decode()
PAYLOAD = '{"name":"Ada Löve","emoji":"😀", "n":1.50}'.encode()


@dataclass
class Endpoint:
    """A web server that keeps what it gets and answers what it is told to."""

    answer: Callable[[int], bytes] = lambda _number: _http("204 No Content")
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append((first, headers, body))
            writer.write(self.answer(len(self.requests)))
            await writer.drain()


def _http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextlib.asynccontextmanager
async def _webhook(port: int, path: str = "/hook", **changes: Any) -> AsyncIterator[Webhook]:
    values: dict[str, Any] = {"secrets": (SECRET,), "time_limit": 5.0, "allowed": Allowed(loopback=True)}
    channel = Webhook(
        WebhookSettings(url=f"http://localhost:{port}{path}", **(values | changes)), resolve=_ipv4
    )
    try:
        yield channel
    finally:
        await channel.close()


async def _ipv4(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def _call(now: float | None = None, **changes: Any) -> Outgoing:
    instant = time.time() if now is None else now
    return outgoing(**({"payload": PAYLOAD, "recipient": "", "now": int(instant * 1_000_000)} | changes))


def test_what_is_sent_is_signed_to_the_byte() -> None:
    endpoint = Endpoint(lambda _number: _http("200 OK", b"thanks"))

    async def scene() -> None:
        async with scripted(endpoint) as port, _webhook(port) as channel:
            receipt = await channel.deliver(_call())
            assert receipt.reference == "200 thanks"
            assert receipt.digest == hashlib.sha256(PAYLOAD).hexdigest()
            assert endpoint.requests[0][1]["host"] == f"localhost:{port}"

    asyncio.run(scene())
    [(first, headers, body)] = endpoint.requests
    assert first == "POST /hook HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert body == PAYLOAD
    Verifier(SECRET).verify(body, headers)
    for at in range(0, len(body), 7):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises((WebhookVerificationError, UnicodeDecodeError)):
            Verifier(SECRET).verify(changed, headers)
    for name, value in (
        ("webhook-id", "0" * 16),
        ("webhook-timestamp", str(int(headers["webhook-timestamp"]) + 1)),
    ):
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(body, headers | {name: value})


def test_while_secrets_change_either_verifies() -> None:
    endpoint = Endpoint()

    async def scene() -> None:
        async with scripted(endpoint) as port, _webhook(port, secrets=(NEXT_SECRET, SECRET)) as channel:
            await channel.deliver(_call())

    asyncio.run(scene())
    [(_, headers, body)] = endpoint.requests
    Verifier(SECRET).verify(body, headers)
    Verifier(NEXT_SECRET).verify(body, headers)


def test_every_attempt_has_the_same_id_and_its_own_time() -> None:
    """P24; and a receiver that checks the time takes the last attempt as it took the first."""
    endpoint = Endpoint()

    async def scene() -> None:
        async with scripted(endpoint) as port, _webhook(port) as channel:
            await channel.deliver(_call(now=1_700_000_000))
            await channel.deliver(_call(now=1_700_000_300.9))

    asyncio.run(scene())
    sent = [headers for _, headers, _ in endpoint.requests]
    assert [headers["webhook-id"] for headers in sent] == [EFFECT, EFFECT]
    assert [headers["webhook-timestamp"] for headers in sent] == ["1700000000", "1700000300"]
    assert sent[0]["webhook-signature"] != sent[1]["webhook-signature"]


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Odd"])
def test_2xx_is_success(status: str) -> None:
    assert _fate(_http(status)) is None


@pytest.mark.parametrize(
    ("answer", "error", "code", "retry_after"),
    [
        (_http("410 Gone"), NotDelivered, "410", 0),
        (_http("400 Bad Request"), TryLater, "400", 0),
        (_http("404 Not Found"), TryLater, "404", 0),
        (_http("500 Oops"), TryLater, "500", 0),
        (_http("429 Slow down", Retry_After="120"), TryLater, "429", 120),
        (_http("503 Later", Retry_After="Tue, 14 Nov 2023 22:23:20 GMT"), TryLater, "503", 600),
        (_http("503 Later", Retry_After="Tue, 14 Nov 2023 22:00:00 GMT"), TryLater, "503", 0),
        (_http("503 Later", Retry_After="soon"), TryLater, "503", 0),
        (_http("503 Later", Retry_After="-5"), TryLater, "503", 0),
        (_http("503 Later", Retry_After="9" * 5000), TryLater, "503", 999_999_999),
        (b"", TryLater, "connection", 0),
        (b"no http at all\r\n\r\n", TryLater, "connection", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", TryLater, "connection", 0),
    ],
)
def test_anything_else_is_tried_again_but_410(
    answer: bytes, error: type[FarSideError], code: str, retry_after: int
) -> None:
    """P32.  The clock of the caller stands at 2023-11-14 22:13:20."""
    fate = _fate(answer, now=1_700_000_000)
    assert type(fate) is error
    assert fate.code == code
    assert getattr(fate, "retry_after", 0) == retry_after


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"score": 7.5, "grade": "A", "ok": true, "more": {"x": 1}}',
            {"score": 7.5, "grade": "A", "ok": True},
        ),
        (b'{"effect": "forged", "journey": "forged", "a b": 1}', {}),
        (b"[1, 2]", {}),
        (b"thanks", {}),
    ],
)
def test_plain_fields_of_the_answer_are_kept_for_later_steps(body: bytes, said: dict[str, object]) -> None:
    async def run() -> None:
        async with (
            scripted(Endpoint(lambda _number: _http("200 OK", body))) as port,
            _webhook(port) as channel,
        ):
            receipt = await channel.deliver(_call())
        assert receipt.said == {"status": 200, **said}

    asyncio.run(run())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_a_failure_and_never_followed(status: str) -> None:
    canary = Endpoint()

    async def scene() -> None:
        async with scripted(canary) as other:
            answer = _http(status, Location=f"http://localhost:{other}/latest/meta-data")
            async with scripted(Endpoint(lambda _number: answer)) as port, _webhook(port) as channel:
                with pytest.raises(TryLater) as fate:
                    await channel.deliver(_call())
                assert fate.value.code == status[:3]

    asyncio.run(scene())
    assert canary.requests == []


def test_a_slow_answer_costs_no_more_than_the_limit() -> None:
    """P26: byte by byte for ever, or nothing at all."""

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def scene() -> None:
        began = time.monotonic()
        async with scripted(drips) as port, _webhook(port, time_limit=0.3) as channel:
            with pytest.raises(TryLater) as fate:
                await channel.deliver(_call())
            assert fate.value.code == "timeout"
        assert time.monotonic() - began < 2

    asyncio.run(scene())


def test_a_huge_answer_is_read_no_further_than_shown() -> None:
    written = 0

    async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            written += 65536
            await writer.drain()

    async def scene() -> None:
        async with scripted(pours) as port, _webhook(port) as channel:
            with pytest.raises(TryLater) as fate:
                await channel.deliver(_call())
            assert len(str(fate.value)) < 1100

    asyncio.run(scene())
    assert written < 20_000_000


def test_the_certificate_is_checked_against_the_name_not_the_address(tmp_path: Path) -> None:
    """The connection goes to the address that was vetted, with the name in SNI and Host."""
    server, certificate = server_tls(tmp_path, "hook.example")
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    trust = ssl.create_default_context(cafile=certificate)

    async def scene() -> None:
        endpoint = Endpoint()
        async with scripted(endpoint, server) as port:
            for host in ("hook.example", "other.example"):
                url = f"https://{host}:{port}/"
                settings = WebhookSettings(url=url, secrets=(SECRET,), allowed=Allowed(loopback=True))
                channel = Webhook(settings, resolve=_ipv4, tls=trust)
                if host == "hook.example":
                    await channel.deliver(_call())
                    assert endpoint.requests[0][1]["host"] == f"hook.example:{port}"
                else:
                    with pytest.raises(TryLater, match="certificate"):
                        await channel.deliver(_call())
                await channel.close()
        assert len(endpoint.requests) == 1

    asyncio.run(scene())
    assert names == ["hook.example", "other.example"]


def test_what_the_guard_refuses_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary on loopback sees nothing, also when the environment names it as a proxy."""
    canary = Endpoint()

    async def scene() -> None:
        async with scripted(canary) as port:
            for name in ("http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
            for url in (f"http://127.0.0.1:{port}/", f"http://0x7f.1:{port}/", f"http://[::1]:{port}/"):
                settings = WebhookSettings(
                    url=url, secrets=(SECRET,), allowed=Allowed((80, 443, port), plain_http=True)
                )
                channel = Webhook(settings)
                with pytest.raises(NotDelivered) as refused:
                    await channel.deliver(_call())
                assert refused.value.code == "address"
                await channel.close()

    asyncio.run(scene())
    assert canary.requests == []


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", base64.b64encode(b"x" * 32).decode(), f"whsec_{'A' * 100}"],
)
def test_a_weak_or_broken_secret_is_refused(secret: str) -> None:
    with pytest.raises(Misconfigured, match="24 to 64"):
        Webhook(WebhookSettings(url="https://hook.example/", secrets=(secret,)))


def _fate(answer: bytes, now: float = 1_700_000_000) -> FarSideError | None:
    async def scene() -> FarSideError | None:
        async def replies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(PAYLOAD))
            writer.write(answer)

        async with scripted(replies) as port, _webhook(port) as channel:
            try:
                await channel.deliver(_call(now))
            except FarSideError as fate:
                return fate
        return None

    return asyncio.run(scene())
