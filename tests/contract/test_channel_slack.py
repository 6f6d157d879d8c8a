"""Slack on loopback, as a webhook and as an app: what is posted, and what each answer means."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest
from channel_peers import outgoing, scripted

from sojourn.channel.contract import Receipt
from sojourn.channel.guard import Allowed
from sojourn.channel.providers.slack import CHANNEL, Slack, SlackSettings
from sojourn.channel.retry import Standing
from sojourn.errors import FarSideError, Misconfigured, NotDelivered, OutcomeUnknown, TryLater

Got = list[tuple[str, dict[str, str], bytes]]


def told(answer: str, body: str, message: Any = None, **settings: Any) -> tuple[Receipt | FarSideError, Got]:
    """What comes of one notice to a Slack that answers so, and what it got."""
    got: Got = []
    found: list[Receipt | FarSideError] = []

    async def desk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        got.append((first, headers, await reader.readexactly(int(headers["content-length"]))))
        octets = body.encode()
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: {len(octets)}\r\n\r\n".encode() + octets)
        await writer.drain()

    async def play() -> None:
        async with scripted(desk) as port:
            url = f"http://127.0.0.1:{port}/"
            way = (
                {"token": "xoxb-1", "channel": "#sales", "api": f"{url}api/"}
                if settings
                else {"webhook": url}
            )
            channel = Slack(SlackSettings(**(way | {"allowed": Allowed(loopback=True)} | settings)))
            try:
                found.append(await channel.deliver(message or outgoing(recipient="", text="A deal!")))
            except FarSideError as error:
                found.append(error)
            await channel.close()

    asyncio.run(play())
    return found[0], got


APP: dict[str, Any] = {"time_limit": 3.0}  # any setting of an app's: it is told as one


def test_a_webhook_gets_the_text() -> None:
    receipt, [(first, headers, body)] = told("200 OK", "ok")
    assert isinstance(receipt, Receipt)
    assert first == "POST / HTTP/1.1"
    assert json.loads(body)["text"] == "A deal!"
    assert receipt.digest == hashlib.sha256(body).hexdigest()
    assert "authorization" not in headers


def test_an_app_posts_to_its_channel_or_where_the_notice_says() -> None:
    receipt, [(first, headers, body)] = told("200 OK", '{"ok": true, "ts": "1.2", "channel": "C1"}', **APP)
    assert isinstance(receipt, Receipt) and receipt.reference == "1.2"
    assert first == "POST /api/chat.postMessage HTTP/1.1"
    assert headers["authorization"] == "Bearer xoxb-1"
    assert json.loads(body)["channel"] == "#sales"
    _, [(_, _, body)] = told("200 OK", '{"ok": true, "ts": "1"}', outgoing(recipient="C042"), **APP)
    assert json.loads(body)["channel"] == "C042"


def test_a_customers_name_is_no_command() -> None:
    attack = outgoing(recipient="", text="New: <!channel> & <https://evil.example|our site>")
    _, [(_, _, body)] = told("200 OK", "ok", attack)
    said = json.loads(body)
    assert said["text"] == "New: &lt;!channel&gt; &amp; &lt;https://evil.example|our site&gt;"
    assert said["link_names"] is False


@pytest.mark.parametrize(
    ("answer", "body", "app", "error", "code", "wait"),
    [
        ("429 Too Many Requests\r\nRetry-After: 7", "ratelimited", False, TryLater, "ratelimited", 7),
        ("429 Too Many Requests\r\nRetry-After: 30", '{"ok":false,"error":"ratelimited"}', True, TryLater,
         "ratelimited", 30),
        ("404 Not Found", "no_service", False, TryLater, "no_service", 0),
        ("410 Gone", "channel_is_archived", False, TryLater, "channel_is_archived", 0),
        ("400 Bad Request", "invalid_payload", False, NotDelivered, "invalid_payload", 0),
        ("503 Service Unavailable", "<html>", False, TryLater, "503", 0),
        ("500 Internal Server Error", "rollup_error", False, OutcomeUnknown, "rollup_error", 0),
        ("302 Found", "", False, NotDelivered, "302", 0),
        ("200 OK", '{"ok":false,"error":"invalid_auth"}', True, TryLater, "invalid_auth", 0),
        ("200 OK", '{"ok":false,"error":"not_in_channel"}', True, TryLater, "not_in_channel", 0),
        ("200 OK", '{"ok":false,"error":"msg_too_long"}', True, NotDelivered, "msg_too_long", 0),
        ("200 OK", '{"ok":false,"error":"fatal_error"}', True, OutcomeUnknown, "fatal_error", 0),
        ("200 OK", "not json", True, OutcomeUnknown, "200", 0),
    ],
)  # fmt: skip
def test_each_answer_says_what_it_means(
    answer: str, body: str, app: bool, error: type[FarSideError], code: str, wait: int
) -> None:
    found, got = told(answer, body, **(APP if app else {}))
    assert type(found) is error
    assert isinstance(found, FarSideError)
    assert found.code == code
    assert getattr(found, "retry_after", 0) == wait
    assert CHANNEL.standing(found.code) is Standing.FINE
    assert len(got) == 1


def test_it_is_a_webhook_or_an_app() -> None:
    for wrong in (SlackSettings(), SlackSettings(webhook="https://hooks.slack.com/x", token="xoxb-1")):
        with pytest.raises(Misconfigured):
            Slack(wrong)


def test_slack_is_told_once_a_second_at_most() -> None:
    assert CHANNEL.rate == 1.0
    assert CHANNEL.delivery.value == "C"
