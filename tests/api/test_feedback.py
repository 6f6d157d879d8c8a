"""Bounces and complaints that come back by mail: believed with the seal of a message of ours, once each."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import numpy as np
import pytest
from api_place import Place

from sojourn.channel.seal import sealed
from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.store import consents, customers, effects, messages
from sojourn.store.effects import Planned, State
from sojourn.store.messages import Message

EFFECT = 0xABCDEF12345678
HEX = f"{EFFECT:016x}"


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
    assert (answer.status_code, answer.json()) == (200, {"feedback": []})
    assert not sent.told()
    assert not is_suppressed(sent)


def test_any_other_mail_says_nothing(sent: Place) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "ada@example.org", "us@example.org"
    mail.set_content("Hello?")
    for raw in (mail.as_bytes(), b"", b"\xff\x00" * 100):
        assert sent.ask("POST", "/feedback/mail", content=raw).json() == {"feedback": []}


def test_only_who_has_a_key_hands_mail_over(sent: Place) -> None:
    assert sent.web.post("/feedback/mail", content=bounce(seal(sent))).status_code == 401
    assert sent.ask("POST", "/feedback/mail", "public", content=bounce(seal(sent))).status_code == 403
    assert not sent.told()
