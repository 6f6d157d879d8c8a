"""Composing mails: what a header or a body may hold arrives as it is, and what may harm is refused."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from sojourn.channel.address import address
from sojourn.channel.contract import Outgoing
from sojourn.channel.mime import LONGEST_LINE, compose
from sojourn.errors import NotDelivered

# Everything that UTF-8 can carry; line breaks of all kinds are a matter of their own.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


def _outgoing(**changes: Any) -> Outgoing:
    values = {"effect": "0123456789abcdef", "recipient": "ada@example.org", "sender": "news@shop.example"}
    return Outgoing(**(values | changes))


@given(TEXTS)
@example("a" * 5000)
@example("word " * 500)
@example("é" * 5000)
@example("=?utf-8?q?literal?=")
@example("a" + " " * 3000 + "b")
@example("  spaces  within  and around  ")
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    octets = compose(_outgoing(subject=subject, text="x")).octets()
    head = octets.partition(b"\r\n\r\n")[0]
    raw = message_from_bytes(octets, policy=policy.compat32)["Subject"]
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", raw)
    assert str(make_header(decode_header(unfolded))) == subject
    assert max(map(len, head.split(b"\r\n"))) <= LONGEST_LINE
    assert head.isascii()


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
@example("", "")
@example("x" * 3000, "\x00")
@example("日本語" * 400, "a\r\n\r\n\r\n")
@example("é" + " " * 3000, " \n \n")
def test_bodies_arrive_as_they_are(text: str, html: str) -> None:
    octets = compose(_outgoing(subject="s", text=text, html=html)).octets()
    mail = message_from_bytes(octets, policy=policy.default)
    for kind, content in (("plain", text), ("html", html)):
        part = mail.get_body((kind,))
        if content:
            assert part is not None
            octets_of_part = part.get_payload(decode=True)
            assert isinstance(octets_of_part, bytes)
            assert _lines(octets_of_part.decode()) == _lines(content)
    assert octets.partition(b"\r\n\r\n")[2].isascii()
    assert b"\0" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= LONGEST_LINE
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", octets)


@given(TEXTS.map(lambda text: text + "!"))
def test_a_name_arrives_with_its_address(name: str) -> None:
    octets = compose(_outgoing(recipient_name=name, text="x")).octets()
    [line] = re.findall(rb"^To: .*?(?=\r\n(?![ \t]))", octets, re.MULTILINE | re.DOTALL)
    assert line.endswith(b"<ada@example.org>")
    assert re.sub(rb'"(?:[^"\\]|\\.)*"|=\?[^?]*\?b\?[^?]*\?=', b"", line).count(b"@") == 1


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\r\n ", "\n\t"])
@pytest.mark.parametrize(
    "field",
    [
        *("subject", "sender_name", "recipient_name", "reply_to", "sender", "recipient", "unsubscribe_url"),
        *("unsubscribe_mail", "list_id", "feedback_id", "message_id_domain", "effect", "seal"),
    ],
)
def test_no_header_can_be_injected(field: str, end: str) -> None:
    """OWASP ASVS 1.3.11: `\\r\\nBcc:` in names, subjects, traits, addresses."""
    good = {"reply_to": "a@b.example", "sender": "a@b.example", "recipient": "a@b.example"}
    good |= {"unsubscribe_url": "https://b.example/u", "effect": "0123456789abcdef"}
    value = f"{good.get(field, 'b.example')}{end}Bcc: victim@example.org"
    with pytest.raises(NotDelivered) as refused:
        compose(_outgoing(**{field: value}))
    assert refused.value.code in ("5.1.3", "5.1.7", "5.6.0")


@pytest.mark.parametrize(
    "header",
    [
        ("From", "evil@evil.example"),
        ("bcc", "victim@example.org"),
        ("DKIM-Signature", "v=1"),
        ("Content-Type", "text/plain"),
        ("X-A", "b\r\nBcc: c"),
        ("X-A:b\r\nBcc", "c"),
        ("X A", "b"),
        ("", "b"),
        ("X-Ä", "b"),
    ],
)
def test_a_further_header_can_be_neither_ours_nor_two(header: tuple[str, str]) -> None:
    with pytest.raises(NotDelivered) as refused:
        compose(_outgoing(headers=(header,)))
    assert refused.value.code == "5.6.0"


def test_what_cannot_be_folded_is_refused() -> None:
    with pytest.raises(NotDelivered, match="too long"):
        compose(_outgoing(unsubscribe_url="https://b.example/" + "a" * 1000))


def test_one_click_needs_https() -> None:
    assert "List-Unsubscribe-Post" in dict(compose(_outgoing(unsubscribe_url="https://b.example/u")).fields)
    plain = dict(compose(_outgoing(unsubscribe_url="http://b.example/u")).fields)
    assert plain["List-Unsubscribe"] == "<http://b.example/u>"
    assert "List-Unsubscribe-Post" not in plain
    only_mail = dict(compose(_outgoing(unsubscribe_mail="leave@b.example")).fields)
    assert only_mail["List-Unsubscribe"] == "<mailto:leave@b.example>"
    assert "List-Unsubscribe-Post" not in only_mail


def test_the_same_message_is_composed_the_same() -> None:
    message = _outgoing(subject="Grüße", text="ä", html="<p>ä", dated=1_700_000_000_000_000)
    assert compose(message).octets() == compose(message).octets()


@pytest.mark.parametrize(
    ("text", "mailbox", "utf8"),
    [
        ("ada+news@example.org", "ada+news@example.org", False),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example", False),
        ("ада@bücher.example", "ада@xn--bcher-kva.example", True),
        ("ada@straße.example", "ada@xn--strae-oqa.example", False),
        ("ada@shop.test", "ada@shop.test", False),
    ],
)
def test_domains_become_ascii(text: str, mailbox: str, utf8: bool) -> None:
    assert (address(text).mailbox, address(text).utf8) == (mailbox, utf8)


@given(
    st.one_of(st.emails(), st.from_regex(r"[aZ0+_-]*(\.[aZ]+)?@([aB0-]{1,3}\.)*[a-z-]{1,9}", fullmatch=True))
)
@example("a@b.local")
@example("a@local")
@example("a@x.onion.example")
@example("a@b.arpa")
@example("a@b.INVALID")
@example("a@xn--a.example")
def test_the_short_way_of_common_addresses_is_the_long_one(text: str) -> None:
    try:
        valid = validate_email(
            text, check_deliverability=False, test_environment=True, globally_deliverable=False
        )
    except EmailNotValidError:
        with pytest.raises(NotDelivered):
            address(text)
    else:
        assert address(text).mailbox == f"{valid.local_part}@{valid.ascii_domain}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@b.example",
        "a@b@c.example",
        "a b@c.example",
        "<a@b.example>",
        "a@b.example, c@d.example",
        "Ada <a@b.example>",
        "a@b.example\n",
        "a@-b.example",
        "a@[10.0.0.1]",
        "a\u202eb@c.example",
        "a@b..c",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(NotDelivered) as refused:
        address(text)
    assert refused.value.code == "5.1.3"


def _lines(text: str) -> list[str]:
    lines = re.split(r"\r\n|\r|\n", text)
    while lines and not lines[-1]:
        lines.pop()
    return lines
