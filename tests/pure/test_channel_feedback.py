"""What comes back about mails: bounces and complaints of many servers are read, forged ones do nothing."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channel.contract import Feedback
from sojourn.channel.providers.email_smtp import feedback
from sojourn.channel.retry import Standing
from sojourn.channel.seal import return_path, sealed

KEY = b"a key of the installation, 32 b."
EFFECT = "0123456789abcdef"
SEAL = sealed(EFFECT, KEY)
VERP = return_path(EFFECT, KEY, "bounce.shop.example")
MESSAGE_ID = f"{EFFECT}.{SEAL}@shop.example"


def _mail(text: str) -> bytes:
    filled = textwrap.dedent(text).strip().replace("{verp}", VERP).replace("{message_id}", MESSAGE_ID)
    return filled.replace("{mark}", f"{EFFECT}.{SEAL}").replace("\n", "\r\n").encode() + b"\r\n"


POSTFIX = """
    Return-Path: <>
    From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
    Subject: Undelivered Mail Returned to Sender
    To: {verp}
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status;
        boundary="4XyZ.1760000000/mx.example.org"

    This is a MIME-encapsulated message.

    --4XyZ.1760000000/mx.example.org
    Content-Description: Notification
    Content-Type: text/plain; charset=us-ascii

    <ada@example.org>: host mx2.example.org[192.0.2.1] said: 550 5.1.1
        <ada@example.org>: Recipient address rejected: User unknown (in reply to RCPT TO command)

    --4XyZ.1760000000/mx.example.org
    Content-Description: Delivery report
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.example.org
    Original-Envelope-Id: {mark}
    X-Postfix-Queue-ID: 4XyZ
    Arrival-Date: Thu,  9 Oct 2025 08:53:20 +0000 (UTC)

    Final-Recipient: rfc822; ada@example.org
    Original-Recipient: rfc822;ada@example.org
    Action: failed
    Status: 5.1.1
    Remote-MTA: dns; mx2.example.org
    Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: Recipient address rejected:
        User unknown

    --4XyZ.1760000000/mx.example.org
    Content-Description: Undelivered Message Headers
    Content-Type: text/rfc822-headers

    From: The Shop <news@shop.example>
    Message-ID: <{message_id}>

    --4XyZ.1760000000/mx.example.org--
"""
EXCHANGE = """
    From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>
    To: <{verp}>
    Subject: Undeliverable: Hello
    Content-Type: multipart/report; report-type=delivery-status; boundary="_000_x_"
    MIME-Version: 1.0

    --_000_x_
    Content-Type: multipart/alternative; boundary="_001_y_"

    --_001_y_
    Content-Type: text/html; charset="utf-8"
    Content-Transfer-Encoding: base64

    PGh0bWw+PHA+WW91ciBtZXNzYWdlIGNvdWxkbid0IGJlIGRlbGl2ZXJlZC48L3A+PC9odG1sPg==

    --_001_y_--

    --_000_x_
    Content-Type: message/delivery-status

    Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com
    Received-From-MTA: dns;mx.shop.example

    Final-Recipient: rfc822;ada@example.org
    Action: failed
    Status: 5.2.2
    Diagnostic-Code: smtp;554 5.2.2 mailbox full;
     STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded

    --_000_x_
    Content-Type: message/rfc822

    From: The Shop <news@shop.example>
    To: ada@example.org
    Message-ID: <{message_id}>
    Subject: Hello

    Hello Ada

    --_000_x_--
"""
QMAIL = """
    From: MAILER-DAEMON@mail.example.org
    To: {verp}
    Subject: failure notice

    Hi. This is the qmail-send program at mail.example.org.
    I'm afraid I wasn't able to deliver your message to the following addresses.
    This is a permanent error; I've given up. Sorry it didn't work out.

    <ada@example.org>:
    192.0.2.1 does not like recipient.
    Remote host said: 550 5.1.1 <ada@example.org>: no mailbox here by that name
    Giving up on 192.0.2.1.

    --- Below this line is a copy of the message.
"""
OLD = """
    From: Mail Delivery Subsystem <postmaster@old.example.org>
    To: postmaster@shop.example
    Subject: Returned mail: User unknown

    ----- Transcript of session follows -----
    ... while talking to mx.example.org.:
    >>> RCPT To:<ada@example.org>
    <<< 550 ada@example.org... No such user

    ----- Original message follows -----
    Return-Path: <{verp}>
    Message-Id: <{message_id}>
"""
COMPLAINT = """
    From: <abusedesk@provider.example>
    To: <fbl@shop.example>
    Subject: FW: Hello
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=feedback-report; boundary="part1_13d"

    --part1_13d
    Content-Type: text/plain; charset="US-ASCII"
    Content-Transfer-Encoding: 7bit

    This is an email abuse report for an email message received from IP 192.0.2.1.

    --part1_13d
    Content-Type: message/feedback-report

    Feedback-Type: abuse
    User-Agent: SomeGenerator/1.0
    Version: 1
    Original-Mail-From: <{verp}>
    Original-Rcpt-To: <redacted@example.org>

    --part1_13d
    Content-Type: message/rfc822
    Content-Disposition: inline

    From: <news@shop.example>
    To: <redacted@example.org>
    Subject: Hello
    Message-ID: <{message_id}>

    Hello
    --part1_13d--
"""


def _bounce(code: str, standing: Standing, recipient: str = "ada@example.org") -> Feedback:
    return Feedback(effect=EFFECT, kind="bounced", recipient=recipient, code=code, standing=standing)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POSTFIX, _bounce("5.1.1", Standing.DEAD)),
        (POSTFIX.replace("Status: 5.1.1", "Status: 5.0.0"), _bounce("5.1.1", Standing.DEAD)),
        (POSTFIX.replace("5.1.1", "5.7.1"), _bounce("5.7.1", Standing.FINE)),
        (POSTFIX.replace("5.1.1", "4.4.7"), _bounce("4.4.7", Standing.FINE)),
        (POSTFIX.replace("5.1.1", "4.2.2"), _bounce("4.2.2", Standing.SOFT)),
        (POSTFIX.replace("message/delivery", "message/global-delivery"), _bounce("5.1.1", Standing.DEAD)),
        (EXCHANGE, _bounce("5.2.2", Standing.SOFT)),
        (EXCHANGE.replace("<{verp}>", "news@shop.example"), _bounce("5.2.2", Standing.SOFT)),
        (QMAIL, _bounce("5.1.1", Standing.DEAD, "")),
        (OLD, _bounce("550", Standing.SOFT, "")),
    ],
)
def test_a_bounce_is_read(text: str, expected: Feedback) -> None:
    [found] = feedback(_mail(text), [KEY])
    assert found.detail
    assert (
        Feedback(**{name: getattr(found, name) for name in Feedback.__struct_fields__} | {"detail": ""})
        == expected
    )


@pytest.mark.parametrize(
    ("action", "kind"),
    [("delayed", "delayed"), ("delivered", "delivered"), ("relayed", None), ("expanded", None), ("", None)],
)
def test_other_reports_suppress_nobody(action: str, kind: str | None) -> None:
    text = POSTFIX.replace("Action: failed", f"Action: {action}").replace("Status: 5.1.1", "Status: 4.4.1")
    found = feedback(_mail(text), [KEY])
    assert [one.kind for one in found] == ([kind] if kind else [])
    assert all(one.standing is Standing.FINE for one in found)


def test_a_report_on_several_recipients_tells_of_each() -> None:
    second = "Final-Recipient: rfc822; eve@example.org\n    Action: delayed\n    Status: 4.2.2"
    text = POSTFIX.replace("User unknown\n\n    --4XyZ", f"User unknown\n\n    {second}\n\n    --4XyZ")
    assert [(one.recipient, one.kind) for one in feedback(_mail(text), [KEY])] == [
        ("ada@example.org", "bounced"),
        ("eve@example.org", "delayed"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        # A person's automatic reply, with and without the header that says so.
        "From: Ada <ada@example.org>\nTo: {verp}\nAuto-Submitted: auto-replied\n\nBack on 550 5.1.1",
        "From: Ada <ada@example.org>\nTo: {verp}\nReturn-Path: <>\nSubject: Automatic reply\n\nCall 550 1234",
        "From: postmaster@example.org\nTo: {verp}\nAuto-Submitted: auto-replied\n\nWe read your mail. 5.1.1",
        # A person, and a mail system that says nothing of a status.
        "From: Ada <ada@example.org>\nTo: {verp}\nSubject: Re: Hello\n\n550 5.1.1 is what I got",
        "From: MAILER-DAEMON@example.org\nTo: {verp}\nSubject: Your mail\n\nWe have received it.",
        "From: MAILER-DAEMON@example.org\nTo: {verp}\nSubject: Your mail\n\n250 2.0.0 Delivered.",
        "",
    ],
)
def test_what_is_no_bounce_is_none(text: str) -> None:
    assert feedback(_mail(text), [KEY]) == []


@pytest.mark.parametrize("text", [POSTFIX, EXCHANGE, QMAIL, OLD, COMPLAINT])
def test_what_is_forged_changes_nothing(text: str) -> None:
    """A fake report for somebody else's message: the effect may be guessed, the seal may not."""
    honest = _mail(text)
    assert feedback(honest, [b"another key"]) == []
    assert feedback(honest.replace(SEAL.encode(), b"0" * 32), [KEY]) == []
    assert feedback(honest.replace(EFFECT.encode(), b"fedcba9876543210"), [KEY]) == []
    assert feedback(honest.replace(b"." + SEAL.encode(), b"").replace(b"=" + SEAL.encode(), b""), [KEY]) == []


def test_a_complaint_is_read_though_its_recipient_is_struck_out() -> None:
    [found] = feedback(_mail(COMPLAINT), [KEY])
    assert (found.effect, found.kind, found.recipient) == (EFFECT, "complained", "redacted@example.org")
    assert found.detail == "abuse by SomeGenerator/1.0"
    without_path = COMPLAINT.replace("Original-Mail-From: <{verp}>\n", "")
    assert [one.effect for one in feedback(_mail(without_path), [KEY])] == [EFFECT]
    assert [one.kind for one in feedback(_mail(COMPLAINT.replace(": abuse", ": fraud")), [KEY])] == [
        "complained"
    ]


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_a_report_of_another_kind_is_no_complaint(kind: str) -> None:
    assert feedback(_mail(COMPLAINT.replace("Feedback-Type: abuse", f"Feedback-Type: {kind}")), [KEY]) == []


@given(st.binary(max_size=400))
def test_whatever_comes_in_is_survived(raw: bytes) -> None:
    assert feedback(raw, [KEY]) == []


@given(st.sampled_from([POSTFIX, EXCHANGE, COMPLAINT]), st.data())
def test_a_damaged_report_is_read_or_not_but_never_an_error(text: str, data: st.DataObject) -> None:
    whole = _mail(text)
    start, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 200))
    damaged = whole[:start] + data.draw(st.binary(max_size=20)) + whole[start + length :]
    for one in feedback(damaged, [KEY]):
        assert one.effect == EFFECT
        assert (one.recipient + one.code + one.detail).isprintable()
        assert len(one.recipient + one.code + one.detail) < 1100


def test_nesting_and_size_are_bounded() -> None:
    depth = 5000
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    assert feedback(nested, [KEY]) == []
    assert feedback(_mail(POSTFIX) + b"x" * 30_000_000, [KEY])[0].code == "5.1.1"
