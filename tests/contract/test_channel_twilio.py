"""SMS by Twilio's own client against a server that speaks its API: what is sent, what a refusal means."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from channel_peers import EFFECT, outgoing

from sojourn.channel.contract import Call, Feedback, Heard, Outgoing, Receipt
from sojourn.channel.guard import Allowed
from sojourn.channel.providers.sms_twilio import CHANNEL, Twilio
from sojourn.channel.retry import Standing
from sojourn.channel.texting.twilio import Replies, TwilioSettings
from sojourn.errors import FarSideError, Forbidden, Misconfigured, NotDelivered, OutcomeUnknown, TryLater
from twilio_fake import ACCOUNT, SENDER, TOKEN, FakeTwilio, incoming, signature, twilio

URL = f"https://t.shop.example/callbacks/sms/{EFFECT}"
ADA = "+14155552671"


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    with twilio() as fake:
        yield fake


def settings(fake: FakeTwilio | None = None, **changes: Any) -> TwilioSettings:
    values: dict[str, Any] = {"account_sid": ACCOUNT, "auth_token": TOKEN, "time_limit": 5.0}
    values |= {"api": fake.url, "allowed": Allowed(loopback=True)} if fake else {}
    return TwilioSettings(**(values | changes))


def text(**changes: Any) -> Outgoing:
    return outgoing(**({"recipient": ADA, "sender": SENDER, "text": "Hello Ada", "callback": URL} | changes))


def deliver(given: TwilioSettings, *messages: Outgoing) -> list[Receipt | FarSideError]:
    async def scene() -> list[Receipt | FarSideError]:
        channel = Twilio(given)
        try:
            found = await asyncio.gather(*map(channel.deliver, messages), return_exceptions=True)
        finally:
            await channel.close()
        assert all(isinstance(one, Receipt | FarSideError) for one in found), found
        return found  # type: ignore[return-value]

    return asyncio.run(scene())


def test_a_text_is_made_with_all_that_twilio_needs(fake: FakeTwilio) -> None:
    [receipt] = deliver(settings(fake), text(text="Grüße für Ada 😀"))
    assert isinstance(receipt, Receipt)
    assert receipt.reference in fake.messages
    assert receipt.digest == hashlib.sha256(f"{ADA}\nGrüße für Ada 😀".encode()).hexdigest()
    assert receipt.said == {"segments": 1, "encoding": "UCS-2"}
    assert fake.asked == [
        {
            "To": ADA,
            "From": SENDER,
            "Body": "Grüße für Ada 😀",
            "StatusCallback": URL,
            "ValidityPeriod": "14400",
        }
    ]


def test_a_service_chooses_the_sender_and_national_numbers_have_a_country(fake: FakeTwilio) -> None:
    given = settings(fake, messaging_service="MG1", country="DE")
    deliver(
        given, text(sender="", recipient="0151 23456789", callback="http://localhost:8000/callbacks/sms/x")
    )
    [asked] = fake.asked
    assert asked["To"] == "+4915123456789"
    assert asked["MessagingServiceSid"] == "MG1"
    assert "From" not in asked
    assert "StatusCallback" not in asked  # Twilio would refuse it, and the message with it


@pytest.mark.parametrize(
    ("code", "error", "stands"),
    [
        (21211, NotDelivered, Standing.DEAD),
        (21614, NotDelivered, Standing.DEAD),
        (21610, NotDelivered, Standing.LEFT),
        (21408, NotDelivered, Standing.FINE),
        (21617, NotDelivered, Standing.FINE),
        (21611, TryLater, Standing.FINE),
        (21606, TryLater, Standing.FINE),
        (20003, TryLater, Standing.FINE),
        (20503, TryLater, Standing.FINE),
        (20500, OutcomeUnknown, Standing.FINE),
    ],
)
def test_each_refusal_says_what_it_means(
    fake: FakeTwilio, code: int, error: type[FarSideError], stands: Standing
) -> None:
    fake.refuses[ADA] = code
    [found] = deliver(settings(fake), text())
    assert type(found) is error
    assert isinstance(found, FarSideError)
    assert CHANNEL.standing(found.code) is stands
    assert not fake.messages


def test_too_fast_waits_as_long_as_it_is_told_to(fake: FakeTwilio) -> None:
    fake.refuses[ADA], fake.retry_after = 20429, "17"
    [found] = deliver(settings(fake), text())
    assert isinstance(found, TryLater)
    assert (found.code, found.retry_after) == ("429", 17)


def test_what_is_no_number_never_reaches_twilio(fake: FakeTwilio) -> None:
    for recipient in ("", "ada", "0151 23456789", "+1", "+" + "1" * 30):
        [found] = deliver(settings(fake), text(recipient=recipient))
        assert isinstance(found, NotDelivered)
        assert CHANNEL.standing(found.code) is Standing.DEAD
    assert not fake.asked


def test_wrong_credentials_and_no_sender_wait_for_the_operator(fake: FakeTwilio) -> None:
    [found] = deliver(settings(fake, auth_token="not it"), text())
    assert isinstance(found, TryLater) and found.code == "20003"
    [found] = deliver(settings(fake), text(sender=""))
    assert isinstance(found, TryLater) and "sender" in str(found)


def test_a_silent_twilio_leaves_the_outcome_unknown(fake: FakeTwilio) -> None:
    """Class C: it may have taken it, and here it has."""
    fake.silent.add(ADA)
    [found] = deliver(settings(fake, time_limit=0.5), text())
    assert isinstance(found, OutcomeUnknown)
    assert len(fake.messages) == 1


def test_nobody_there_surely_took_nothing() -> None:
    given = settings(api="http://127.0.0.1:1", allowed=Allowed(loopback=True))
    [found] = deliver(given, text())
    assert isinstance(found, TryLater)


def test_many_at_once_are_told_apart(fake: FakeTwilio) -> None:
    numbers = [f"+1415555{n:04d}" for n in range(2000, 2040)]
    fake.refuses = dict.fromkeys(numbers[::2], 21610)
    found = deliver(settings(fake), *(text(recipient=one) for one in numbers))
    assert [isinstance(one, Receipt) for one in found] == [False, True] * 20
    assert [fake.messages[one.reference]["To"] for one in found if isinstance(one, Receipt)] == numbers[1::2]


def test_edge_and_region_lead_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    async def post(_self: object, url: str, _body: bytes, _headers: object) -> None:
        called.append(url)
        raise TryLater("enough seen")

    monkeypatch.setattr("sojourn.channel.web.calling.Caller.post", post)
    deliver(settings(edge="dublin", region="ie1"), text())
    assert called == [f"https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"]


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twilio.rest", None)
    with pytest.raises(Misconfigured, match=r"pip install 'sojourn\[twilio\]'"):
        Twilio(settings())


def call(form: dict[str, str], effect: str = EFFECT, url: str = URL, signed: str | None = None) -> Call:
    given = signature(url, form) if signed is None else signed
    return Call(url, effect, {"x-twilio-signature": given}, urlencode(form).encode())


def fate(status: str, error: str = "") -> dict[str, str]:
    form = {"MessageSid": "SM1", "MessageStatus": status, "To": ADA, "From": SENDER, "AccountSid": ACCOUNT}
    return form | ({"ErrorCode": error} if error else {})


@pytest.mark.parametrize(
    ("form", "kind", "stands"),
    [
        (fate("queued"), "sent", Standing.FINE),
        (fate("sent"), "sent", Standing.FINE),
        (fate("delivered"), "delivered", Standing.FINE),
        (fate("undelivered", "30003"), "failed", Standing.SOFT),
        (fate("undelivered", "30007"), "failed", Standing.FINE),
        (fate("failed", "30005"), "bounced", Standing.DEAD),
        (fate("undelivered", "30006"), "bounced", Standing.DEAD),
        (fate("canceled"), "failed", Standing.FINE),
    ],
)
def test_a_callback_tells_the_fate_of_the_effect_in_its_address(
    form: dict[str, str], kind: str, stands: Standing
) -> None:
    [said] = CHANNEL.hear(settings(), call(form)).feedback
    assert (said.effect, said.kind, said.recipient, said.standing) == (EFFECT, kind, ADA, stands)
    assert said.code == form.get("ErrorCode", "")


def test_a_status_that_we_do_not_know_says_nothing() -> None:
    assert CHANNEL.hear(settings(), call(fate("partially_delivered"))) == Heard()


def test_what_twilio_has_not_signed_is_refused() -> None:
    form = fate("delivered")
    forged = [
        call(form, signed=""),
        call(form, signed="AAAA"),
        call(form, signed=signature(URL, form, "another token")),
        call(form, signed=signature(URL.replace(EFFECT, "f" * 16), form)),
        call(form | {"MessageStatus": "failed"}, signed=signature(URL, form)),
        call(form | {"More": "1"}, signed=signature(URL, form)),
        Call(URL, EFFECT, {"x-twilio-signature": signature(URL, form)}, b"\xff\xfe"),
    ]
    for one in forged:
        with pytest.raises(Forbidden):
            CHANNEL.hear(settings(), one)


def test_new_fields_and_ports_keep_a_signature_valid() -> None:
    """Twilio adds fields without notice, and signs with or without the port."""
    form = fate("delivered") | {"RawDlrDoneDate": "2401010000", "Empty": "", "Ünï": "çödé+ &="}
    assert CHANNEL.hear(settings(), call(form)).feedback
    url = "https://t.shop.example:443/callbacks/sms/" + EFFECT
    ported = Call(url, EFFECT, call(form).headers, call(form).body)
    assert CHANNEL.hear(settings(), ported).feedback


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        ("STOP", "stop"), (" stop. ", "stop"), ("Unsubscribe", "stop"), ("ARRÊT", "stop"), ("start", "start"),
        ("UNSTOP", "start"), ("Help", "help"), ("please stop", ""), ("YES", ""), ("", ""), ("😀", ""),
    ],
)  # fmt: skip
def test_a_text_that_came_in_is_read(body: str, wish: str) -> None:
    url = "https://t.shop.example/callbacks/sms"
    heard = CHANNEL.hear(settings(), call(incoming("SM9", ADA, body), effect="", url=url))
    [said] = heard.texts
    assert (said.sender, said.recipient, said.text, said.reference) == (ADA, SENDER, body, "SM9")
    assert said.wish == wish
    assert heard.answer == b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    assert heard.answer_type == "text/xml"


def test_we_answer_keywords_only_where_we_are_to() -> None:
    """And not where Twilio's Advanced Opt-Out has: it says so in `OptOutType`."""
    url = "https://t.shop.example/callbacks/sms"
    given = settings(replies=Replies(help="Shop & co: reply STOP to stop"))
    for form, answered in (
        (incoming("SM9", ADA, "HELP"), True),
        (incoming("SM9", ADA, "HELP", OptOutType="HELP"), False),
        (incoming("SM9", ADA, "hello"), False),
    ):
        heard = CHANNEL.hear(given, call(form, effect="", url=url))
        assert (b"<Message>Shop &amp; co: reply STOP to stop</Message>" in heard.answer) is answered
    form = incoming("SM9", ADA, "genug", OptOutType="STOP")  # a word of the account's own
    assert CHANNEL.hear(given, call(form, effect="", url=url)).texts[0].wish == "stop"


def test_a_repeat_is_the_same() -> None:
    assert [CHANNEL.hear(settings(), call(fate("delivered"))) for _ in range(2)] == [
        Heard(feedback=(Feedback(effect=EFFECT, kind="delivered", recipient=ADA),))
    ] * 2
