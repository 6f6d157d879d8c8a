"""A text message from an event to its answer: a real `serve`, Twilio's own client, a fake Twilio."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sojourn.cli import serving
from sojourn.cli.commands.doctor import doctor
from sojourn.cli.commands.publish import publish
from sojourn.cli.demo.server import serving_beside
from sojourn.cli.serving import Serving
from twilio_fake import ACCOUNT, SENDER, TOKEN, FakeTwilio, incoming, post, twilio

ADA, BOB, EVE = "+14155552671", "+14155552672", "+14155552673"

JOURNEY = """\
journey: parcel
enter: [{event: Order Completed}]
steps:
  told: {send: {template: told, purpose: marketing}}
  fate:
    wait_for:
      - {delivered: told, then: arrived}
      - {bounced: told, then: lost}
    at_most: 1 day
    otherwise: end
  arrived: {send: {template: arrived, purpose: marketing}, then: end}
  lost: {set_trait: {unreachable: true}, then: end}
  end: {leave: done}
"""

TOLD = """\
name: told
channel: sms
text: "Hi {{ customer.name }} 😀 https://shop.example/orders/{{ event.order_id }}"
"""
ARRIVED = "{name: arrived, channel: sms, text: Did it arrive?}"
POLICY = "policy: {consent: {marketing: opt_out}}\n"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeTwilio, Serving, Path]]:
    data = tmp_path_factory.mktemp("data")
    documents = tmp_path_factory.mktemp("documents")
    with twilio() as fake, serving_beside(data, documents / "log"):
        channels = {
            "sms": {
                "provider": "sms_twilio",
                "sender": SENDER,
                "settings": {
                    "account_sid": ACCOUNT,
                    "auth_token": TOKEN,
                    "api": fake.url,
                    "allowed": {"loopback": True},
                },
            }
        }
        written = {
            "channels": json.dumps({"channels": channels}),
            "policy": POLICY, "told": TOLD, "arrived": ARRIVED, "parcel": JOURNEY,
        }  # fmt: skip
        for name, text in written.items():
            (documents / f"{name}.yaml").write_text(text)
        server = serving.running(data)
        assert server is not None
        with redirect_stdout(StringIO()):
            publish([documents / f"{name}.yaml" for name in written], data=data)
        yield fake, server, data


def ask(server: Serving, path: str, call: dict[str, object] | None = None) -> Any:
    secret = b64encode(f"{server.key}:".encode()).decode()
    headers = {"Authorization": f"Basic {secret}" if call else f"Bearer {server.key}"}
    body = json.dumps(call).encode() if call else None
    with urllib.request.urlopen(urllib.request.Request(f"{server.url}{path}", body, headers)) as answer:
        return json.load(answer)


def orders(server: Serving, name: str, phone: str) -> None:
    ask(server, "/v1/identify", {"userId": name, "traits": {"name": name.title(), "phone": phone}})
    ask(server, "/v1/track", {"userId": name, "event": "Order Completed", "properties": {"order_id": "A-7"}})


def eventually(found: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return answer


def to(fake: FakeTwilio, number: str, word: str = "") -> list[str]:
    """The SIDs of the messages to a number that say this."""
    return [sid for sid, one in fake.messages.items() if one["To"] == number and word in one["Body"]]


def told(server: Serving, who: str, step: str = "told") -> dict[str, dict[str, Any]]:
    """The properties of what the tape of a customer holds of a step, by name."""
    events = ask(server, f"/api/customers/user_id:{who}/events")
    return {one["name"]: one["properties"] for one in events if one["properties"].get("step") == step}


def test_a_delivery_takes_the_branch_of_what_was_delivered(
    installation: tuple[FakeTwilio, Serving, Path],
) -> None:
    fake, server, _ = installation
    orders(server, "ada", "+1 (415) 555-2671")
    (sid,) = eventually(lambda: to(fake, ADA))
    message = fake.messages[sid]
    assert message["From"] == SENDER
    assert re.fullmatch(rf"Hi Ada 😀 {server.url}/c/[\w-]+", message["Body"])
    assert message["StatusCallback"].startswith(f"{server.url}/callbacks/sms/")
    for status in ("queued", "sent", "delivered", "delivered"):
        assert fake.tell(sid, status) == 200
    (second,) = eventually(lambda: to(fake, ADA, "Did it arrive?"))
    assert second != sid
    first, last = told(server, "ada"), eventually(lambda: told(server, "ada", "arrived").get("SMS Sent"))
    assert first["SMS Delivered"]["address"] == ADA
    assert (first["SMS Sent"]["segments"], first["SMS Sent"]["encoding"]) == (2, "UCS-2")
    assert (last["segments"], last["encoding"]) == (1, "GSM-7")
    assert to(fake, ADA) == [sid, second]


def test_what_is_lost_takes_the_other(installation: tuple[FakeTwilio, Serving, Path]) -> None:
    fake, server, _ = installation
    orders(server, "bob", BOB)
    (sid,) = eventually(lambda: to(fake, BOB))
    assert fake.tell(sid, "undelivered", "30003") == 200
    traits = eventually(lambda: ask(server, "/api/customers/user_id:bob")["traits"].get("unreachable"))
    assert traits
    assert told(server, "bob")["SMS Bounced"]["code"] == "30003"
    assert to(fake, BOB, "Did it arrive?") == []


def test_who_replies_stop_gets_no_more(installation: tuple[FakeTwilio, Serving, Path]) -> None:
    fake, server, _ = installation
    orders(server, "eve", EVE)
    (sid,) = eventually(lambda: to(fake, EVE))
    status, answer = post(f"{server.url}/callbacks/sms", incoming("SM" + "f" * 32, EVE, "STOP"))
    assert (status, answer.endswith(b"<Response></Response>")) == (200, True)
    fake.tell(sid, "delivered")
    why = eventually(lambda: told(server, "eve", "arrived").get("Message Suppressed"))
    assert why["reason"] == "consent: marketing withdrawn"
    assert to(fake, EVE) == [sid]
    consents = ask(server, "/api/customers/user_id:eve/consents")
    assert "withdrawn" in json.dumps(consents)


def test_the_doctor_says_what_is_promised(installation: tuple[FakeTwilio, Serving, Path]) -> None:
    _, _, data = installation
    said = StringIO()
    with redirect_stdout(said):
        doctor(data, json=True)
    found = json.loads(said.getvalue())
    assert found["channel sms"].startswith("sms_twilio, class C: after a crash nobody can tell")
    assert found["audit"] == "everything agrees"
