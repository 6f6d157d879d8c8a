"""What Twilio calls us with: the fate of messages in any order, and what people write back."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from api_place import URL, Place

from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.store import customers, effects, messages
from sojourn.store.definitions import settings
from sojourn.store.effects import Planned, State
from sojourn.store.messages import Message
from sojourn.store.reach import consents
from twilio_fake import ACCOUNT, SENDER, TOKEN, incoming, signature

EFFECT = 0xABCDEF12345678
ADA, BOB = "+14155552671", "+14155552672"
CHANNELS = {"sms": {"provider": "sms_twilio", "settings": {"account_sid": ACCOUNT, "auth_token": TOKEN}}}


@pytest.fixture
def sent(place: Place) -> Place:
    plan(place, EFFECT, State.ACCEPTED)
    return place


def plan(place: Place, effect: int, state: State) -> None:
    """One text message to Ada, that stands so."""

    def write(connection: Any) -> None:
        settings.put(connection, "channels", CHANNELS)
        customer = int(customers.identify(connection, [("user_id", "ada")], 1).customers[0])
        one = np.ones(1, np.int64)
        planned = Planned(
            keys=one * effect, runs=one, versions=one, journeys=one, steps=one, customers=one * customer,
            partitions=one * (customer % 64), channels=["sms"], templates=["parcel"], purposes=["news"],
            kinds=["send"], data=['{"journey": "welcome", "step": "hello"}'], planned=one, due=one,
        )  # fmt: skip
        effects.plan(connection, planned, one * int(state), [""])
        messages.freeze(connection, [Message(effect, customer, ADA, "", "", "Hi", "{}", "00", effect)])

    place.app.database.write(write)


def call(place: Place, path: str, form: dict[str, str], signed: str | None = None) -> Any:
    given = signature(f"{URL}{path}", form) if signed is None else signed
    headers = {"X-Twilio-Signature": given, "Content-Type": "application/x-www-form-urlencoded"}
    return place.web.post(path, content=urlencode(form), headers=headers)


def fate(place: Place, status: str, error: str = "", effect: int = EFFECT) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": status, "To": ADA, "AccountSid": ACCOUNT}
    form |= {"ErrorCode": error} if error else {}
    assert call(place, f"/callbacks/sms/{effect:016x}", form).status_code == 200


def state(place: Place, effect: int = EFFECT) -> int:
    with place.app.database.reading() as connection:
        return int(effects.by_key(connection, np.array([effect])).states[0])


def names(place: Place) -> list[str]:
    return [name for name, _ in place.told()]


def said(place: Place) -> list[tuple[str, str, str, str]]:
    """Statements of consent: state, channel, source, and the words that prove it."""
    with place.app.database.reading() as connection:
        found = consents.of_customers(connection, [1])
    proofs = [json.loads(proof).get("text", "") for proof in found.proofs]
    return list(zip(found.states, found.channels, found.sources, proofs, strict=True))


def is_suppressed(place: Place, number: str) -> bool:
    hashed = address_hash(place.parts.publicly.seal, "sms", number)
    with place.app.database.reading() as connection:
        return bool(consents.suppressed(connection, "sms", [hashed]))


def test_a_delivery_is_told_once(sent: Place) -> None:
    for status in ("sent", "delivered", "delivered", "sent"):
        fate(sent, status)
    ((name, told),) = sent.told()
    assert name == "SMS Delivered"
    assert (told["journey"], told["step"], told["address"]) == ("welcome", "hello", ADA)
    assert state(sent) == State.DELIVERED


FATES = (("sent", ""), ("undelivered", "30007"), ("delivered", ""), ("delivered", ""))


@pytest.mark.parametrize("before", [State.ACCEPTED, State.UNKNOWN])
def test_any_order_of_callbacks_comes_to_the_same(place: Place, before: State) -> None:
    """P33: the state, and what the tape hears, whatever comes first and twice."""
    heard = set()
    for number, order in enumerate(sorted(set(permutations(FATES))), 1):
        plan(place, number, before)
        earlier = len(place.told())
        for status, error in order:
            fate(place, status, error, number)
        assert state(place, number) == State.DELIVERED
        heard.add(tuple(sorted(name for name, _ in place.told()[earlier:])))
    sent_told = () if before is State.ACCEPTED else ("SMS Sent",)
    assert heard <= {("SMS Bounced", "SMS Delivered", *sent_told), ("SMS Bounced", "SMS Delivered")}


def test_a_callback_settles_what_nobody_knew(place: Place) -> None:
    plan(place, EFFECT, State.UNKNOWN)
    fate(place, "sent")
    assert state(place) == State.ACCEPTED
    assert names(place) == ["SMS Sent"]
    fate(place, "delivered")
    assert names(place) == ["SMS Sent", "SMS Delivered"]


def test_a_number_that_is_no_more_gets_nothing_more(sent: Place) -> None:
    fate(sent, "undelivered", "30005")
    ((name, told),) = sent.told()
    assert (name, told["hard"], told["code"]) == ("SMS Bounced", True, "30005")
    assert state(sent) == State.BOUNCED
    assert is_suppressed(sent, ADA)


def test_one_that_is_switched_off_may_be_tried_again(sent: Place) -> None:
    fate(sent, "undelivered", "30003")
    ((name, told),) = sent.told()
    assert (name, told["hard"], told["soft"]) == ("SMS Bounced", False, True)
    assert state(sent) == State.FAILED
    assert not is_suppressed(sent, ADA)


def test_what_is_not_signed_changes_nothing(sent: Place) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": ADA}
    path = f"/callbacks/sms/{EFFECT:016x}"
    for forged in ("", "AAAA", signature(f"{URL}{path}", form, "another token"), signature(path, form)):
        assert call(sent, path, form, forged).status_code == 403
    assert call(sent, "/callbacks/sms", incoming("SM2", ADA, "STOP"), "").status_code == 403
    assert not sent.told()


def test_there_are_no_other_callbacks(sent: Place) -> None:
    form = {"MessageStatus": "delivered"}
    for path in ("/callbacks/fax", "/callbacks/sms/nonsense", "/callbacks/sms/" + "0" * 17):
        assert call(sent, path, form).status_code == 404
    assert call(sent, f"/callbacks/sms/{1:016x}", form).status_code == 200  # no message of ours
    sent.app.database.write(lambda c: settings.put(c, "channels", {"console": {"provider": "console"}}))
    assert call(sent, "/callbacks/console", form).status_code == 404
    assert not sent.told()


def test_stop_withdraws_consent_with_its_proof_once(sent: Place) -> None:
    for _ in range(2):
        answer = call(sent, "/callbacks/sms", incoming("SM7", ADA, "Stop"))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
        assert answer.text.endswith("<Response></Response>")
    assert names(sent) == ["SMS Received", "Unsubscribed"]
    assert said(sent) == [("withdrawn", "sms", "text message", "Stop")]
    told = dict(sent.told())
    assert told["Unsubscribed"]["channel"] == "sms"
    assert told["SMS Received"]["wish"] == "stop"


def test_start_gives_it_back_and_a_replay_does_not(sent: Place) -> None:
    for sid, word in (("SM1", "STOP"), ("SM2", "START"), ("SM3", "STOP"), ("SM2", "START")):
        call(sent, "/callbacks/sms", incoming(sid, ADA, word))
    assert [state for state, *_ in said(sent)] == ["withdrawn", "given", "withdrawn"]


def test_whoever_is_unknown_is_stopped_by_number(sent: Place) -> None:
    call(sent, "/callbacks/sms", incoming("SM1", BOB, "STOP"))
    assert is_suppressed(sent, BOB)
    assert not sent.told()
    call(sent, "/callbacks/sms", incoming("SM2", BOB, "START"))
    assert not is_suppressed(sent, BOB)


def test_a_reply_is_to_the_last_message(sent: Place) -> None:
    plan(sent, EFFECT + 1, State.DELIVERED)
    call(sent, "/callbacks/sms", incoming("SM1", ADA, "Great, thanks 😀"))
    ((name, told),) = sent.told()
    assert name == "SMS Replied"
    assert (told["text"], told["from"], told["to"]) == ("Great, thanks 😀", ADA, SENDER)
    assert (told["effect"], told["step"]) == (f"{EFFECT + 1:016x}", "hello")
    assert not said(sent)


def test_whoever_is_known_by_number_may_write_first(sent: Place) -> None:
    track = {"userId": "bob", "type": "identify", "traits": {"phone": BOB}}
    assert sent.ask("POST", "/v1/identify", "server", json=track).status_code == 200
    call(sent, "/callbacks/sms", incoming("SM1", BOB, "Hello?"))
    assert "SMS Received" in names(sent)


def test_what_nobody_knows_is_sent_again_by_hand(place: Place) -> None:
    """P32: under the same id, and only what failed or is unknown."""
    plan(place, EFFECT, State.UNKNOWN)
    plan(place, EFFECT + 1, State.DELIVERED)
    ((one),) = place.ask("GET", "/api/messages", "reader").json()
    assert (one["effect"], one["state"], one["channel"]) == (f"{EFFECT:016x}", "unknown", "sms")
    path = f"/api/messages/{one['effect']}/resend"
    assert place.ask("POST", path, "reader").status_code == 403
    again = place.ask("POST", path)
    assert (again.status_code, again.json()["state"]) == (200, "planned")
    assert place.ask("POST", path).status_code == 409
    assert place.ask("POST", f"/api/messages/{EFFECT + 1:016x}/resend").status_code == 409
    assert place.ask("POST", f"/api/messages/{EFFECT + 2:016x}/resend").status_code == 404
    assert place.ask("POST", "/api/messages/x/resend").status_code == 404
    assert place.ask("GET", "/api/messages?ended=failed").json() == []
    assert place.ask("GET", "/api/messages?ended=planned").status_code in (400, 422)
