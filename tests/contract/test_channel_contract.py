"""Every provider that is declared keeps the contract of a channel."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from typing import Any

import msgspec
import pytest
from channel_peers import Inbox, mail_server, outgoing, scripted
from cryptography.hazmat.primitives.asymmetric import ec

from sojourn.channel import providers
from sojourn.channel.contract import Channel, Connection, Delivery, Outgoing, Receipt
from sojourn.channel.providers.console import Console
from sojourn.channel.providers.email_smtp import EmailSettings
from sojourn.channel.web.encryption import coded, public
from sojourn.errors import FarSideError
from sojourn.registry import declared
from twilio_fake import ACCOUNT

CHANNELS = declared(providers, Channel)
SECRET = "whsec_" + "A" * 43 + "="


def _good(name: str, port: int = 1) -> Any:
    """Settings that lead to a port of this machine."""
    values: dict[str, dict[str, Any]] = {
        "email_smtp": {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "connect_limit": 0.3,
            "command_limit": 0.3,
        },
        "webhook": {
            "url": f"http://127.0.0.1:{port}/",
            "secrets": [SECRET],
            "time_limit": 0.3,
            "allowed": {"loopback": True},
        },
        "console": {"stream": "stderr"},
        "sms_twilio": {
            "account_sid": ACCOUNT,
            "auth_token": SECRET,
            "api": f"http://127.0.0.1:{port}",
            "time_limit": 0.3,
            "allowed": {"loopback": True},
        },
        "push_web": {
            "private_key": "B" * 43,
            "subject": "mailto:us@shop.example",
            "time_limit": 0.3,
            "allowed": {"loopback": True},
        },
        "slack": {"webhook": f"http://127.0.0.1:{port}/", "time_limit": 0.3, "allowed": {"loopback": True}},
    }
    return msgspec.convert(values[name], CHANNELS[name].settings)


def _message(port: int) -> Outgoing:
    """A message that any provider carries."""
    keys = {"p256dh": coded(public(ec.derive_private_key(7, ec.SECP256R1()))), "auth": coded(b"x" * 16)}
    browser = json.dumps({"endpoint": f"http://127.0.0.1:{port}/", "keys": keys})
    return outgoing(payload=b"{}", subscriptions=(browser,))


def test_the_promise_of_each_is_known() -> None:
    assert {name: channel.delivery for name, channel in CHANNELS.items()} == {
        "console": Delivery.DROPS_REPEATS,
        "email_smtp": Delivery.BLIND,
        "push_web": Delivery.DROPS_REPEATS,
        "slack": Delivery.BLIND,
        "sms_twilio": Delivery.BLIND,
        "webhook": Delivery.DROPS_REPEATS,
    }
    assert all(channel.delivery.promise for channel in CHANNELS.values())


@pytest.mark.parametrize("name", CHANNELS)
def test_settings_make_a_form_and_keep_their_secrets(name: str) -> None:
    schema = msgspec.json.schema(CHANNELS[name].settings)
    text = json.dumps(schema)
    for secret in ("password", "secrets", "private_key", "auth_token", "api_secret", "token"):
        if f'"{secret}"' in text:
            assert '"writeOnly": true' in text
    assert SECRET not in repr(_good(name))
    with pytest.raises(msgspec.ValidationError, match="nonsense"):
        msgspec.convert({"nonsense": 1}, CHANNELS[name].settings)


@pytest.mark.parametrize("name", CHANNELS)
def test_opening_needs_no_network_and_closing_is_enough(name: str) -> None:
    async def scene() -> None:
        connection: Connection = CHANNELS[name].open(_good(name))
        assert connection.slots >= 1
        await connection.close()

    asyncio.run(scene())


@pytest.mark.parametrize("name", sorted(set(CHANNELS) - {"console"}))
def test_only_errors_of_the_far_side_come_out(name: str) -> None:
    """Whatever a peer says or does: the caller sees one of three errors, never another."""
    answers = [
        b"",
        b"\xff\xfe\0",
        b"220\r\n" * 50,
        b"999 what\r\n",
        b"220-" + b"x" * 100_000,
        b"HTTP/1.1 999 \r\n\r\n",
    ]

    async def scene() -> None:
        for answer in answers:

            async def babbles(reader: Any, writer: Any, answer: bytes = answer) -> None:
                writer.write(answer)
                await reader.readline()

            async with scripted(babbles) as port:
                connection: Connection = CHANNELS[name].open(_good(name, port))
                message = _message(port)
                if name == "sms_twilio":
                    message = msgspec.structs.replace(message, recipient="+14155552671")
                with pytest.raises(FarSideError):
                    await asyncio.wait_for(connection.deliver(message), 30)
                await connection.close()

    asyncio.run(scene())


@pytest.mark.parametrize("name", CHANNELS)
def test_mail_that_came_in_is_for_those_who_can_read_it(name: str) -> None:
    assert CHANNELS[name].feedback(b"From: ada@example.org\r\n\r\nHello", [b"key"]) == []


def test_the_console_writes_a_line_that_no_terminal_obeys() -> None:
    stream = io.StringIO()
    attack = "\x1b[2J\x9b31m\u202ereversed\r\nnext \ud800 Ada 😀"
    receipt = asyncio.run(Console(stream).deliver(outgoing(subject=attack, text=attack)))
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["to"] == "ada@example.org"
    assert json.loads(line)["subject"] == attack.replace("\ud800", "?")
    assert all(character.isprintable() for character in line)
    assert receipt.digest == hashlib.sha256(line.encode()).hexdigest()


def test_many_deliveries_at_once_are_no_more_than_the_slots() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox) as port:
            settings = EmailSettings(host="127.0.0.1", port=port, security="none", connections=5)
            connection: Connection = CHANNELS["email_smtp"].open(settings)
            receipts = await asyncio.gather(*(connection.deliver(outgoing()) for _ in range(50)))
            assert len(inbox.sessions) == connection.slots == 5
            assert all(isinstance(receipt, Receipt) for receipt in receipts)
            await connection.close()

    asyncio.run(scene())
