"""Mail as a real server receives it: what is in it, who vouches for it, what of its offers is used."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import Callable
from email import message_from_string, policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from functools import cache
from pathlib import Path

import dkim
import pytest
from channel_peers import EFFECT, KEY, Inbox, email, mail_server, outgoing, private_key, scripted, server_tls
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sojourn.channel.dkim import DkimKey, Signer
from sojourn.channel.seal import return_path, sealed
from sojourn.errors import NotDelivered, TryLater

MARK = f"{EFFECT}.{sealed(EFFECT, KEY)}"


def test_a_mail_arrives_as_composed() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox) as port, email(port) as channel:
            receipt = await channel.deliver(outgoing(headers=(("X-Trace", "welcome"),)))
        [envelope], [mail] = inbox.envelopes, inbox.mails
        assert receipt.reference == "2.0.0 Ok: queued as 1"
        assert receipt.digest == hashlib.sha256(inbox.octets[0]).hexdigest()
        assert envelope.mail_from == return_path(EFFECT, KEY, "bounce.shop.example")
        assert envelope.rcpt_tos == ["ada@example.org"]
        assert dict(mail.items()) == {
            "From": "The Shop <news@shop.example>",
            "To": "Ada <ada@example.org>",
            "Subject": "Hello",
            "Date": "Thu, 09 Oct 2025 08:53:20 +0000",
            "Message-ID": f"<{MARK}@shop.example>",
            "List-Id": "<news.shop.example>",
            "List-Unsubscribe": "<https://shop.example/u/token>, <mailto:leave@shop.example>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Feedback-ID": "welcome:hello:shop",
            "X-Trace": "welcome",
            "MIME-Version": "1.0",
            "Content-Type": mail["Content-Type"],
        }
        assert mail.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]

    asyncio.run(scene())


def test_every_attempt_sends_the_same_bytes() -> None:
    """P24, P30: the same effect has the same Message-ID, and the log's hash is that of what was sent."""

    async def scene() -> None:
        inbox = Inbox()
        keys = (DkimKey(domain="shop.example", selector="s1", private_key=private_key("rsa")),)
        async with mail_server(inbox) as port, email(port, dkim=keys) as channel:
            first = await channel.deliver(outgoing())
            second = await channel.deliver(outgoing(now=1_770_000_000_000_000))
        assert inbox.octets[0] == inbox.octets[1]
        assert first.digest == second.digest

    asyncio.run(scene())


CORPUS = {
    "plus": ("ada+news@example.org", "Ada", "ada+news@example.org"),
    "idn": ("ada@bücher.example", "Ada Bücher", "ada@xn--bcher-kva.example"),
    "smtputf8": ("пример@почта.example", "Пример", "пример@xn--80a1acny.example"),
    "emoji": ("😀@example.org", "😀 👩‍👩‍👧‍👦 Smile", "😀@example.org"),
    "rtl": ("مثال@example.org", "مرحبا بالعالم", "مثال@example.org"),
    "hebrew": ("shalom@example.org", "שלום, עולם", "shalom@example.org"),
    "long": ("ada@example.org", "Ada " * 60 + "Lovelace", "ada@example.org"),
    "unbroken": ("ada@example.org", "A" * 3000, "ada@example.org"),
    "specials": ("ada@example.org", 'Lovelace, "Ada" \\ <ada@evil.example>; (x)', "ada@example.org"),
    "encoded": ("ada@example.org", "=?utf-8?b?SGFja2Vk?=", "ada@example.org"),
    "quoted": ('"ada lovelace"@example.org', "Ada", '"ada lovelace"@example.org'),
    "case": ("Ada.Lovelace@example.org", "ADA", "Ada.Lovelace@example.org"),
}


@pytest.mark.parametrize("name", CORPUS)
def test_names_and_addresses_of_all_kinds_arrive_unchanged(name: str) -> None:
    """P48, from the message to what the server holds."""
    address, person, wired = CORPUS[name]
    subject = f"{person} – naïve “quotes” 🎉 مرحبا"
    text = f"Dear {person},\n.\n..dots\nFrom here\ntrailing  \n\tґдз 😀\n" + "x" * 2000

    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox) as port, email(port) as channel:
            await channel.deliver(
                outgoing(
                    recipient=address, recipient_name=person, subject=subject, text=text, html=f"<p>{text}"
                )
            )
        [envelope], [mail] = inbox.envelopes, inbox.mails
        assert envelope.rcpt_tos == [wired]
        assert _read_address(inbox.octets[0]) == (person, wired)
        assert mail["Subject"] == subject
        plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert plain.get_content().replace("\r\n", "\n").removesuffix("\n") == text.removesuffix("\n")
        assert html.get_content().replace("\r\n", "\n").removesuffix("\n") == f"<p>{text}"
        assert max(map(len, inbox.octets[0].split(b"\r\n"))) <= 998
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", inbox.octets[0])

    asyncio.run(scene())


@pytest.mark.parametrize("dot", ["\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\n"])
def test_no_text_ends_the_mail_early(dot: str) -> None:
    """SMTP smuggling: what looks like the end of the mail and a next one is text, in every spelling."""
    smuggled = f"first{dot}MAIL FROM:<evil@evil.example>{dot}RCPT TO:<victim@example.org>{dot}DATA{dot}last"

    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox) as port, email(port) as channel:
            await channel.deliver(outgoing(text=smuggled, html=""))
        [mail] = inbox.mails
        assert mail.get_content().splitlines() == smuggled.splitlines()

    asyncio.run(scene())


def test_an_address_the_server_cannot_take_is_refused_before_a_byte_is_sent() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with mail_server(inbox, enable_SMTPUTF8=False) as port, email(port) as channel:
            with pytest.raises(NotDelivered, match="SMTPUTF8") as refused:
                await channel.deliver(outgoing(recipient="пример@example.org"))
            assert refused.value.code == "5.6.7"
            await channel.deliver(outgoing(recipient="ada@bücher.example", recipient_name="Пример"))
        assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [["ada@xn--bcher-kva.example"]]

    asyncio.run(scene())


def test_the_signature_is_that_of_what_arrived() -> None:
    octets, record = _signed("rsa")
    assert dkim.verify(octets, dnsfunc=record)


def test_an_ed25519_signature_is_that_of_what_arrived() -> None:
    """RFC 8463, read by dkimpy but for the last step, for which it wants a library of its own."""
    octets, record = _signed("ed25519")
    public = base64.b64decode(record(b"s1._domainkey.shop.example.").partition(b"p=")[2])
    mail = dkim.DKIM(octets)
    [field] = [(name, value) for name, value in mail.headers if name.lower() == b"dkim-signature"]
    tags = dkim.parse_tag_value(field[1])
    digest = dkim.HashThrough(hashlib.sha256())
    relaxed = dkim.CanonicalizationPolicy.from_c_value(tags[b"c"])
    names = [name.strip().lower() for name in tags[b"h"].split(b":")]
    headers = relaxed.canonicalize_headers(mail.headers)
    dkim.hash_headers(digest, relaxed, headers, names, field, tags)
    signature = base64.b64decode(b"".join(tags[b"b"].split()))
    Ed25519PublicKey.from_public_bytes(public).verify(signature, digest.digest())


@pytest.mark.parametrize(
    "field",
    [
        *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Unsubscribe"),
        *("List-Unsubscribe-Post", "Feedback-ID", "MIME-Version", "Content-Type"),
    ],
)
def test_no_signed_header_can_be_changed_or_taken_away(field: str) -> None:
    octets, record = _signed("rsa")
    line = re.compile(rb"^(%s: )(.)" % field.encode(), re.MULTILINE)
    changed, count = line.subn(rb"\1z\2", octets, count=1)
    assert count == 1
    assert not dkim.verify(changed, dnsfunc=record)
    head, _, body = octets.partition(b"\r\n\r\n")
    kept = [one for one in re.split(rb"\r\n(?![ \t])", head) if not one.startswith(field.encode() + b":")]
    assert not dkim.verify(b"\r\n".join(kept) + b"\r\n\r\n" + body, dnsfunc=record)


@pytest.mark.parametrize(
    "field",
    ["From", "To", "Subject", "Date", "Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"],
)
@pytest.mark.parametrize("end", ["top", "bottom"])
def test_no_second_header_can_be_added(field: str, end: str) -> None:
    octets, record = _signed("rsa")
    added = f"{field}: evil@evil.example\r\n".encode()
    head, _, body = octets.partition(b"\r\n\r\n")
    changed = added + octets if end == "top" else head + b"\r\n" + added + b"\r\n" + body
    # dkimpy refuses a second From by an error of its own.
    with contextlib.suppress(dkim.DKIMException):
        assert not dkim.verify(changed, dnsfunc=record)


def test_the_body_cannot_be_changed_and_space_at_line_ends_may() -> None:
    octets, record = _signed("rsa")
    assert not dkim.verify(octets.replace(b"Hello Ada\r\n", b"Hello Eve\r\n", 1), dnsfunc=record)
    assert dkim.verify(octets.replace(b"Hello Ada\r\n", b"Hello Ada \t\r\n", 1) + b"\r\n\r\n", dnsfunc=record)


def test_only_the_senders_own_domain_is_signed_for() -> None:
    async def scene() -> None:
        inbox = Inbox()
        keys = (DkimKey(domain="other.example", selector="s1", private_key=private_key("rsa")),)
        async with mail_server(inbox) as port, email(port, dkim=keys) as channel:
            await channel.deliver(outgoing())
            await channel.deliver(outgoing(sender="news@mail.other.example"))
        assert [mail["DKIM-Signature"] is not None for mail in inbox.mails] == [False, True]

    asyncio.run(scene())


def test_delivery_reports_are_asked_for_where_the_server_can() -> None:
    said: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            said.append(line.strip())
            match line[:4].upper():
                case b"EHLO":
                    writer.write(b"250-sink\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 DSN\r\n")
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    writer.write(b"250 ok\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case _:
                    writer.write(b"250 ok\r\n")

    async def scene() -> None:
        async with scripted(server) as port, email(port) as channel:
            await channel.deliver(outgoing())

    asyncio.run(scene())
    assert said[0] == b"EHLO client.example"
    assert re.fullmatch(rb"MAIL FROM:<b\+\S+> SIZE=\d+ RET=HDRS ENVID=" + MARK.encode(), said[1])
    assert said[2] == b"RCPT TO:<ada@example.org> NOTIFY=FAILURE,DELAY"
    assert said[3:] == [b"DATA", b"QUIT"]


def test_mail_is_encrypted_and_the_server_known(tmp_path: Path) -> None:
    context, certificate = server_tls(tmp_path)

    async def scene() -> None:
        inbox = Inbox()
        trust = {"host": "localhost", "ca_file": certificate}
        async with mail_server(inbox, tls_context=context, require_starttls=True) as port:
            async with email(port, security="starttls", **trust) as channel:
                await channel.deliver(outgoing())
            async with email(port, security="when_offered", **trust) as channel:
                await channel.deliver(outgoing())
            async with email(port, security="starttls", **trust | {"ca_file": ""}) as channel:
                with pytest.raises(TryLater, match="certificate"):
                    await channel.deliver(outgoing())
            async with email(port, security="starttls", **trust | {"host": "127.0.0.1"}) as channel:
                with pytest.raises(TryLater, match="certificate"):
                    await channel.deliver(outgoing())
        async with (
            mail_server(inbox, implicit_tls=context) as port,
            email(port, security="tls", **trust) as channel,
        ):
            await channel.deliver(outgoing())
        async with mail_server(inbox) as port, email(port, security="starttls", **trust) as channel:
            with pytest.raises(TryLater, match="STARTTLS"):
                await channel.deliver(outgoing())
        assert len(inbox.envelopes) == 3

    asyncio.run(scene())


def _read_address(octets: bytes) -> tuple[str, str]:
    """Who To names.  (Python 3.11's header registry puts spaces between encoded words.)"""
    raw = message_from_string(octets.decode(), policy=policy.compat32)["To"]
    name, address = parseaddr("".join(raw.splitlines()))
    return str(make_header(decode_header(name))), address


@cache
def _signed(kind: str) -> tuple[bytes, Callable[..., bytes]]:
    """A mail as the server received it, and the name service that knows its key."""
    key = DkimKey(domain="shop.example", selector="s1", private_key=private_key(kind))

    async def scene() -> bytes:
        inbox = Inbox()
        async with mail_server(inbox) as port, email(port, dkim=(key,)) as channel:
            await channel.deliver(outgoing(reply_to="care@shop.example"))
        return inbox.octets[0]

    def record(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.shop.example."
        return Signer(key).record().encode()

    return asyncio.run(scene()), record
