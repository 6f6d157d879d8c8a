"""Mail servers that refuse, delay, hang and break off: each mail has its own fate, and we know which."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from channel_peers import Inbox, Script, email, mail_server, outgoing, scripted

from sojourn.channel.contract import Receipt
from sojourn.channel.providers.email_smtp import Email, EmailSettings
from sojourn.channel.retry import Standing, standing
from sojourn.errors import FarSideError, Misconfigured, NotDelivered, OutcomeUnknown, TryLater

IMPATIENT = {"connect_limit": 0.3, "command_limit": 0.3, "final_limit": 0.3}
Says = Callable[[str, str], Awaitable[str | None]]


@pytest.mark.parametrize(
    ("verb", "answer", "error", "code", "left"),
    [
        ("RCPT", "451 4.7.1 Greylisted, come back later", TryLater, "4.7.1", Standing.FINE),
        ("RCPT", "452 4.2.2 Mailbox full", TryLater, "4.2.2", Standing.SOFT),
        ("RCPT", "450 busy", TryLater, "450", Standing.FINE),
        ("RCPT", "550 5.1.1 No such user", NotDelivered, "5.1.1", Standing.DEAD),
        ("RCPT", "554 5.7.1 Blocked by policy", NotDelivered, "5.7.1", Standing.FINE),
        ("RCPT", "552 5.2.2 Over quota", NotDelivered, "5.2.2", Standing.SOFT),
        ("RCPT", "550 User unknown", NotDelivered, "550", Standing.SOFT),
        ("MAIL", "550 sender rejected", NotDelivered, "5.0.0", Standing.FINE),
        ("MAIL", "553 5.1.8 Sender's domain does not exist", NotDelivered, "5.1.8", Standing.FINE),
        ("DATA", "550 5.7.515 Access denied", NotDelivered, "5.7.515", Standing.FINE),
        ("DATA", "451 4.3.0 Try again", TryLater, "4.3.0", Standing.FINE),
        ("DATA", "554 spam", NotDelivered, "5.0.0", Standing.FINE),
    ],
)
def test_one_refusal_is_told_exactly_and_harms_no_neighbour(
    verb: str, answer: str, error: type[FarSideError], code: str, left: Standing
) -> None:
    """P25, P20: one in the middle of a batch is refused, over one connection; the others arrive once."""

    async def scene() -> None:
        refused = "b+3@bounce.example" if verb == "MAIL" else "user3@example.org"
        inbox = Inbox(lambda asked, word: answer if (asked, word) == (verb, refused) else None)
        async with mail_server(inbox) as port, email(port, connections=1) as channel:
            fates = await _deliver_all(channel, 7)
        assert isinstance(fates[3], error)
        assert (fates[3].code, standing(fates[3].code)) == (code, left)
        assert answer.partition(" ")[2] in str(fates[3])
        assert [envelope.rcpt_tos[0] for envelope in inbox.envelopes] == [
            f"user{number}@example.org" for number in (0, 1, 2, 4, 5, 6)
        ]
        assert (len(inbox.sessions), inbox.resets) == (1, 1)

    asyncio.run(scene())


def test_connections_are_kept_and_no_more_than_allowed() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox) as port, email(port, connections=3) as channel:
            for _ in range(3):
                fates = await _deliver_all(channel, 20)
                assert all(isinstance(fate, Receipt) for fate in fates)
        assert len(inbox.envelopes) == 60
        assert len(inbox.sessions) == 3

    asyncio.run(scene())


def test_a_server_that_takes_ten_mails_a_connection_gets_ten() -> None:
    """421 says that the connection is at its end, not the mail; the mail goes over a new one."""
    counts: dict[int, int] = {}

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def at_most_ten(place: str, _line: str) -> str | None:
            counts[id(writer)] = counts.get(id(writer), 0) + (place == "MAIL")
            return "421 4.7.0 too many mails" if place == "MAIL" and counts[id(writer)] > 10 else None

        await _smtp(reader, writer, at_most_ten)

    async def scene() -> None:
        async with scripted(server) as port, email(port, connections=2) as channel:
            fates = await _deliver_all(channel, 45)
        assert all(isinstance(fate, Receipt) for fate in fates)
        assert sum(min(count, 10) for count in counts.values()) == 45

    asyncio.run(scene())


def test_a_kept_connection_that_was_closed_meanwhile_costs_no_mail() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await _smtp(reader, writer)

    async def scene() -> None:
        async with scripted(server) as port, email(port) as channel:
            for _ in range(3):
                await channel.deliver(outgoing())
                writers[-1].transport.abort()
                await asyncio.sleep(0)
        assert len(writers) == 3

    asyncio.run(scene())


def test_an_old_connection_is_not_trusted() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox) as port, email(port, idle_limit=0.0) as channel:
            await channel.deliver(outgoing())
            await channel.deliver(outgoing())
        assert len(inbox.sessions) == 2

    asyncio.run(scene())


def _broken_at(place: str, then: str) -> Script:
    """A server that stops making sense at a place of the dialogue: closes, resets, or says nothing more."""

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def says(asked: str, _line: str) -> str | None:
            if asked != place:
                return None
            if then == "hang":
                await asyncio.sleep(30)
            elif then == "reset":
                writer.transport.abort()
            elif then != "close":
                writer.write(then.encode() + b"\r\n")
                await asyncio.sleep(0.1)
            raise ConnectionResetError

        await _smtp(reader, writer, says)

    return server


@pytest.mark.parametrize("then", ["close", "reset", "hang", "nonsense"])
@pytest.mark.parametrize("place", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_until_the_mail_is_on_its_way_it_was_surely_not_taken(place: str, then: str) -> None:
    _expect(_broken_at(place, then), TryLater)


@pytest.mark.parametrize("then", ["close", "reset", "hang", "nonsense", "354 more", "999 what"])
@pytest.mark.parametrize("place", ["body", "after the final dot"])
def test_once_it_is_on_its_way_only_an_answer_tells(place: str, then: str) -> None:
    _expect(_broken_at(place, then), OutcomeUnknown)


@pytest.mark.parametrize(
    ("then", "error"),
    [("451 4.3.0 later", TryLater), ("421 4.3.2 closing", TryLater), ("554 5.6.0 no", NotDelivered)],
)
def test_an_answer_after_the_final_dot_is_believed(then: str, error: type[FarSideError]) -> None:
    _expect(_broken_at("after the final dot", then), error)


def test_what_a_server_says_is_fit_to_be_kept() -> None:
    """Raw octets, NUL and terminal escapes in an answer: neither a database nor a terminal shall stumble."""

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def odd(place: str, line: str) -> str | None:
            return "550 5.1.1 \udcff\x00 \x1b[2J ünknown" if place == "RCPT" else None

        await _smtp(reader, writer, odd)

    async def scene() -> None:
        async with scripted(server) as port, email(port) as channel:
            with pytest.raises(NotDelivered) as fate:
                await channel.deliver(outgoing())
        assert fate.value.code == "5.1.1"
        assert str(fate.value).isprintable()
        assert "ünknown" in str(fate.value)

    asyncio.run(scene())


@pytest.mark.parametrize("greeting", ["554 no service", "421 too busy"])
def test_a_server_that_does_not_let_us_in_is_no_fault_of_the_mail(greeting: str) -> None:
    _expect(_broken_at("greeting", greeting), TryLater)


def test_nobody_there() -> None:
    async def scene() -> None:
        async with scripted(_broken_at("greeting", "close")) as port:
            pass
        async with email(port) as channel:
            with pytest.raises(TryLater, match="no connection"):
                await channel.deliver(outgoing())

    asyncio.run(scene())


def test_a_stuck_connection_does_not_hold_up_the_others() -> None:
    """P26: the peer hangs at every third mail; the rest pass meanwhile, and the stuck ones are let go."""

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def maybe_hang(place: str, line: str) -> None:
            await asyncio.sleep(30 if place == "RCPT" and "stuck" in line else 0)

        await _smtp(reader, writer, maybe_hang)

    async def scene() -> None:
        async with scripted(server) as port, email(port, connections=4, command_limit=1.0) as channel:
            began = time.monotonic()
            stuck = asyncio.gather(
                *(channel.deliver(outgoing(recipient=f"stuck{number}@example.org")) for number in range(3)),
                return_exceptions=True,
            )
            await asyncio.sleep(0.05)
            fates = await _deliver_all(channel, 20)
            assert time.monotonic() - began < 1.0
            assert all(isinstance(fate, Receipt) for fate in fates)
            assert all(isinstance(fate, TryLater) and fate.code == "timeout" for fate in await stuck)

    asyncio.run(scene())


def test_a_cancelled_delivery_leaves_no_half_used_connection() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def slow(place: str, line: str) -> None:
            await asyncio.sleep(5 if place == "RCPT" and "slow" in line else 0)

        await _smtp(reader, writer, slow)

    async def scene() -> None:
        async with scripted(server) as port, email(port, connections=1) as channel:
            await channel.deliver(outgoing())
            task = asyncio.create_task(channel.deliver(outgoing(recipient="slow@example.org")))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert isinstance(await channel.deliver(outgoing()), Receipt)

    asyncio.run(scene())


def test_login_goes_over_tls_only() -> None:
    with pytest.raises(Misconfigured, match="plain text"):
        Email(EmailSettings(host="localhost", security="none", username="ada", password="secret"))
    with pytest.raises(Misconfigured, match="plain text"):
        Email(EmailSettings(host="localhost", security="when_offered", username="ada", password="secret"))
    assert "hunter2" not in repr(EmailSettings(host="localhost", password="hunter2"))


def _expect(script: Script, error: type[FarSideError]) -> None:
    async def scene() -> None:
        async with scripted(script) as port, email(port, **IMPATIENT) as channel:
            with pytest.raises(FarSideError) as fate:
                await channel.deliver(outgoing())
            assert type(fate.value) is error

    asyncio.run(scene())


async def _deliver_all(channel: Email, count: int) -> list[Any]:
    messages = [
        outgoing(
            effect=f"{number:016x}",
            recipient=f"user{number}@example.org",
            return_path=f"b+{number}@bounce.example",
        )
        for number in range(count)
    ]
    return await asyncio.gather(*map(channel.deliver, messages), return_exceptions=True)


async def _usual(_place: str, _line: str) -> None:
    return None


async def _smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, says: Says = _usual) -> None:
    """A server that takes everything, unless `says`, asked at each place, answers otherwise."""

    async def answer(place: str, line: str, usual: str) -> None:
        writer.write((await says(place, line) or usual).encode("utf-8", "surrogateescape") + b"\r\n")

    await answer("greeting", "", "220 sink")
    while line := await reader.readline():
        word = line[:4].decode().upper()
        await answer(word, line.decode(), "354 go on" if word == "DATA" else "250 ok")
        if word == "DATA":
            await reader.readexactly(10)
            await says("body", "")
            await reader.readuntil(b"\r\n.\r\n")
            await answer("after the final dot", "", "250 ok")
