"""Bounces and complaints that come back by mail: believed with the seal of a message of ours, once each."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import numpy as np
import pytest
from api_place import Place

from sojourn.api.visitors.consent import state as state_consent
from sojourn.channel.seal import leaving_address, sealed
from sojourn.message.consent import Consent
from sojourn.message.tokens import Recipient
from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.store import customers, effects, messages
from sojourn.store.effects import Planned, State
from sojourn.store.messages import Message
from sojourn.store.reach import consents

EFFECT = 0xABCDEF12345678
HEX = f"{EFFECT:016x}"
NOTHING = {"feedback": [], "left": ""}


@pytest.fixture
def sent(place: Place) -> Place:
    def write(connection: Any) -> None:
        customer = int(customers.identify(connection, [("email", "ada@example.org")], 1).customers[0])
        one = np.ones(1, np.int64)
        planned = Planned(
            keys=one * EFFECT, runs=one, versions=one, journeys=one, steps=one, customers=one * customer,
            partitions=one * (customer % 64), channels=["email"], templates=["welcome"], purposes=["news"],
            kinds=["send"], data=["{}"], planned=one, due=one,
        )  # fmt: skip
        effects.plan(connection, planned, one * int(State.ACCEPTED), [""])
        message = Message(EFFECT, customer, "ada@example.org", "Hi", "<p>Hi", "Hi", "{}", "00", 1)
        messages.freeze(connection, [message])

    place.app.database.write(write)
    return place


def bounce(seal: str, status: str = "5.1.1") -> bytes:
    report = (
        f"Reporting-MTA: dns; mx.example\r\nOriginal-Envelope-Id: {HEX}.{seal}\r\n\r\n"
        f"Final-Recipient: rfc822; ada@example.org\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n"
    )
    return _report("delivery-status", "message/delivery-status", report, f"b+{HEX}={seal}@bounce.example")


def complaint(seal: str) -> bytes:
    report = "Feedback-Type: abuse\r\nUser-Agent: Loop/1.0\r\nVersion: 1\r\n"
    return _report("feedback-report", "message/feedback-report", report, f"b+{HEX}={seal}@bounce.example")


def _report(kind: str, part: str, report: str, to: str) -> bytes:
    lines = [
        "From: MAILER-DAEMON@mx.example", f"To: {to}", "Subject: Report", "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="x"', "",
        "--x", "Content-Type: text/plain", "", "Sorry.", "",
        "--x", f"Content-Type: {part}", "", report, "--x--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def seal(place: Place) -> str:
    return sealed(HEX, place.parts.publicly.seal)


def state(place: Place) -> int:
    with place.app.database.reading() as connection:
        return int(effects.by_key(connection, np.array([EFFECT])).states[0])


def is_suppressed(place: Place) -> bool:
    hashed = address_hash(place.parts.publicly.seal, "email", "ada@example.org")
    with place.app.database.reading() as connection:
        return bool(consents.suppressed(connection, "email", [hashed]))


def test_a_hard_bounce_ends_the_address(sent: Place) -> None:
    for _ in range(2):
        answer = sent.ask("POST", "/feedback/mail", content=bounce(seal(sent)))
        assert answer.status_code == 200
        assert answer.json()["feedback"][0]["kind"] == "bounced"
    ((name, said),) = sent.told()
    assert name == "Email Bounced"
    assert (said["code"], said["hard"], said["address"]) == ("5.1.1", True, "ada@example.org")
    assert state(sent) == State.BOUNCED
    assert is_suppressed(sent)


def test_a_bounce_for_policy_says_nothing_of_the_address(sent: Place) -> None:
    sent.ask("POST", "/feedback/mail", content=bounce(seal(sent), "5.7.1"))
    assert sent.told()[0][1]["hard"] is False
    assert not is_suppressed(sent)


def test_a_complaint_ends_marketing_and_is_told(sent: Place) -> None:
    assert sent.ask("POST", "/feedback/mail", content=complaint(seal(sent))).status_code == 200
    assert {name for name, _ in sent.told()} == {"Email Marked as Spam", "Consent Withdrawn"}
    assert state(sent) == State.COMPLAINED
    assert not is_suppressed(sent)


@pytest.mark.parametrize("forged", ["0" * 32, "f" * 32, ""])
def test_a_forged_bounce_stops_nothing(sent: Place, forged: str) -> None:
    answer = sent.ask("POST", "/feedback/mail", content=bounce(forged))
    assert (answer.status_code, answer.json()) == (200, NOTHING)
    assert not sent.told()
    assert not is_suppressed(sent)


def test_any_other_mail_says_nothing(sent: Place) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "ada@example.org", "us@example.org"
    mail.set_content("Hello?")
    for raw in (mail.as_bytes(), b"", b"\xff\x00" * 100):
        assert sent.ask("POST", "/feedback/mail", content=raw).json() == NOTHING


def test_only_who_has_a_key_hands_mail_over(sent: Place) -> None:
    assert sent.web.post("/feedback/mail", content=bounce(seal(sent))).status_code == 401
    for key in ("public", "server", "reader"):
        assert sent.ask("POST", "/feedback/mail", key, content=bounce(seal(sent))).status_code == 403
    assert not sent.told()
    assert sent.ask("POST", "/feedback/mail", "mail", content=bounce(seal(sent))).status_code == 200
    assert sent.told()


def test_the_key_of_a_mail_server_hands_mail_over_and_does_no_more(sent: Place) -> None:
    for method, path in (("GET", "/api/journeys"), ("GET", "/api/keys"), ("POST", "/api/journeys/check")):
        assert sent.ask(method, path, "mail", json={"text": ""}).status_code == 403


def test_a_complaint_again_undoes_nothing_that_was_said_since(sent: Place) -> None:
    raw = complaint(seal(sent))
    sent.ask("POST", "/feedback/mail", content=raw)
    (customer,) = set(sent.logged().subjects.tolist())
    sent.app.database.write(
        lambda c: state_consent(
            c, sent.parts, customer, Consent("given", sent.app.database.now(), "email"), 1
        )
    )
    sent.ask("POST", "/feedback/mail", content=raw)
    assert statements(sent, customer) == ["withdrawn", "given"]


def test_a_report_of_thousands_of_recipients_is_one_report(sent: Place) -> None:
    block = "Final-Recipient: rfc822; ada@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    raw = _report(
        "delivery-status", "message/delivery-status", block * 5_000, f"b+{HEX}={seal(sent)}@b.example"
    )
    answer = sent.ask("POST", "/feedback/mail", content=raw)
    assert len(answer.json()["feedback"]) == 20
    assert [name for name, _ in sent.told()] == ["Email Bounced"]


def leaving(place: Place, domain: str = "in.example") -> str:
    return leaving_address(HEX, place.parts.publicly.seal, domain)


def statements(place: Place, customer: int) -> list[str]:
    with place.app.database.reading() as connection:
        return list(consents.of_customers(connection, [customer]).states)


@pytest.mark.parametrize("by_header", [False, True])
def test_a_mail_to_the_leaving_address_unsubscribes_once(sent: Place, by_header: bool) -> None:
    """RFC 2369: what the mail says does not matter, only where it goes; in any case of letters."""
    address = leaving(sent).upper()
    raw = f"From: Ada <ada@example.org>\r\n{f'To: <{address}>' if by_header else 'To: x'}\r\n\r\n".encode()
    options = {} if by_header else {"params": {"to": [address]}}
    for _ in range(2):
        answer = sent.ask("POST", "/feedback/mail", "mail", content=raw, **options)
        assert (answer.status_code, answer.json()) == (200, {"feedback": [], "left": HEX})
    ((name, said),) = sent.told()
    assert (name, said["source"], said["purpose"]) == ("Unsubscribed", "unsubscribe mail", "news")
    assert statements(sent, int(sent.logged().subjects[0])) == ["withdrawn"]


def test_the_mail_and_the_link_unsubscribe_alike(sent: Place) -> None:
    """Whichever comes first, the other finds it done."""
    with sent.app.database.reading() as connection:
        customer = int(effects.by_key(connection, np.array([EFFECT])).customers[0])
    token = sent.parts.publicly.keys.sign(Recipient(customer, "email", "news", EFFECT))
    assert sent.web.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    answer = sent.ask("POST", "/feedback/mail", content=b"\r\n", params={"to": leaving(sent)})
    assert answer.json()["left"] == HEX
    ((name, said),) = sent.told()
    assert (name, said["source"]) == ("Unsubscribed", "unsubscribe link")
    assert statements(sent, customer) == ["withdrawn"]


def test_nobody_unsubscribes_another_by_what_a_mail_quotes_or_a_guess(sent: Place) -> None:
    """A reply, a forward or a bounce holds the whole of our mail, its List-Unsubscribe too."""
    quoted = f"List-Unsubscribe: <mailto:{leaving(sent)}>\r\nTo: {leaving(sent)}\r\n"
    of_bounces = seal(sent)
    for raw, to in (
        (f"To: x@example.org\r\nSubject: Re\r\n\r\n{quoted}".encode(), "x@example.org"),
        (_report("delivery-status", "message/rfc822", quoted, "postmaster@shop.example"), ""),
        (b"\r\n", f"u-{HEX}-{of_bounces}@in.example"),
        (b"\r\n", f"u-{HEX}-{'0' * 32}@in.example"),
        (b"\r\n", f"x@in.example\r\nTo: {leaving(sent)}"),
        (b"\r\n", f"{HEX}@in.example"),
    ):
        answer = sent.ask("POST", "/feedback/mail", content=raw, params={"to": to})
        assert (answer.status_code, answer.json()) == (200, NOTHING)
    assert not sent.told()


def test_whom_a_bounce_was_sent_to_is_believed_of_the_envelope(sent: Place) -> None:
    note = b"From: MAILER-DAEMON@mx.example\r\nTo: postmaster@shop.example\r\n\r\n550 5.1.1 no such user\r\n"
    assert sent.ask("POST", "/feedback/mail", content=note).json() == NOTHING
    envelope = {"to": ["postmaster@shop.example", f"b+{HEX}={seal(sent)}@bounce.example"]}
    answer = sent.ask("POST", "/feedback/mail", content=note, params=envelope)
    assert [one["code"] for one in answer.json()["feedback"]] == ["5.1.1"]


@pytest.mark.parametrize(
    "domain", ["in shop.example", "us@in.example", "in.example>,<x", "bücher.example", "in"]
)
def test_a_domain_for_mails_that_is_none_is_refused(place: Place, domain: str) -> None:
    chosen = {"provider": "console", "mail_in": domain}
    refused = place.ask("PUT", "/api/channels", json={"channels": {"email": chosen}})
    assert refused.status_code >= 400
    assert "mail_in must be a domain" in refused.text
    chosen = {"provider": "console", "mail_in": "in.shop.example"}
    assert place.ask("PUT", "/api/channels", json={"channels": {"email": chosen}}).status_code == 200
