"""How browsers subscribe to notifications, and leave; and who is told which provider promises what."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from api_place import Place
from cryptography.hazmat.primitives.asymmetric import ec

from sojourn.channel.web.encryption import coded, decoded, public
from sojourn.ingest.wire.trust import signature
from sojourn.store.definitions import settings
from sojourn.store.reach import consents, subscriptions

PRIVATE = coded(b"a private key of 32 octets, p256")
KEYS = {"p256dh": coded(public(ec.derive_private_key(7, ec.SECP256R1()))), "auth": coded(b"x" * 16)}
ENDPOINT = "https://updates.push.example/wpush/v2/1"


@pytest.fixture
def set_up(place: Place) -> Place:
    chosen = {
        "provider": "push_web",
        "settings": {"private_key": PRIVATE, "subject": "mailto:us@shop.example"},
    }
    place.app.database.write(lambda c: settings.put(c, "channels", {"push": chosen}))
    return place


def subscribe(place: Place, key: str = "public", **ids: Any) -> Any:
    given = {"endpoint": ids.pop("endpoint", ENDPOINT), "expirationTime": None, "keys": ids.pop("keys", KEYS)}
    return place.ask("POST", "/v1/push", key, json={"subscription": given, **ids})


def live(place: Place) -> dict[int, list[str]]:
    """The endpoints of each customer."""
    with place.app.database.reading() as connection:
        found = subscriptions.of_customers(connection, np.arange(1, 20))
    return {who: [json.loads(one)["endpoint"] for one in texts] for who, texts in found.items()}


def stated(place: Place, customer: int = 1) -> list[tuple[str, str, str]]:
    with place.app.database.reading() as connection:
        said = consents.of_customers(connection, [customer])
    return list(zip(said.states, said.channels, said.sources, strict=True))


def test_a_browser_learns_the_key_and_subscribes(set_up: Place) -> None:
    answer = set_up.web.get("/v1/push")
    key = ec.derive_private_key(int.from_bytes(decoded(PRIVATE), "big"), ec.SECP256R1())
    assert answer.json() == {"publicKey": coded(public(key))}
    assert answer.headers["access-control-allow-origin"] == "*"
    for _ in range(3):  # a site asks at every visit
        assert subscribe(set_up, anonymousId="browser-1").json() == {"success": True}
    assert live(set_up) == {1: [ENDPOINT]}
    assert stated(set_up) == [("given", "push", "browser")]
    assert [name for name, _ in set_up.told()] == ["Push Subscribed", "Consent Given"]
    assert set_up.told()[0][1]["service"] == "updates.push.example"


def test_a_subscription_is_the_customers_who_is_there_now(set_up: Place) -> None:
    subscribe(set_up, anonymousId="browser-1")
    subscribe(set_up, "server", userId="ada")
    assert list(live(set_up).values()) == [[ENDPOINT]]
    subscribe(set_up, "server", userId="ada", endpoint=ENDPOINT + "2")
    assert list(live(set_up).values()) == [[ENDPOINT, ENDPOINT + "2"]]


def test_a_browser_is_believed_about_itself_alone(set_up: Place) -> None:
    """Who reads the key in a page cannot have another's notifications."""
    subscribe(set_up, "server", userId="ada")
    subscribe(set_up, "public", userId="ada", endpoint=ENDPOINT + "evil")
    (ada,) = (who for who, endpoints in live(set_up).items() if ENDPOINT in endpoints)
    assert live(set_up)[ada] == [ENDPOINT]
    proof = signature(set_up.parts.settings.identity_secret, "user_id", "ada")
    signed = {"Sojourn": {"user_id_hash": proof}}
    subscribe(set_up, "public", userId="ada", integrations=signed, endpoint=ENDPOINT + "hers")
    assert live(set_up)[ada] == [ENDPOINT, ENDPOINT + "hers"]


def test_leaving_withdraws_consent_once(set_up: Place) -> None:
    subscribe(set_up, anonymousId="browser-1")
    for _ in range(2):
        assert set_up.web.request("DELETE", "/v1/push", json={"endpoint": ENDPOINT}).status_code == 200
    assert live(set_up) == {}
    assert [state for state, *_ in stated(set_up)] == ["given", "withdrawn"]
    subscribe(set_up, anonymousId="browser-1")
    assert live(set_up) == {1: [ENDPOINT]}
    assert stated(set_up)[-1][0] == "given"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no json", 422),
        (b"{}", 422),
        (b'{"subscription": 1, "anonymousId": "a"}', 422),
        (json.dumps({"subscription": {"endpoint": ENDPOINT, "keys": {}}, "anonymousId": "a"}).encode(), 422),
        (json.dumps({"subscription": {"endpoint": ENDPOINT, "keys": KEYS}}).encode(), 422),
        (b"[" * 50_000, 422),
    ],
)
def test_what_is_no_subscription_is_refused(set_up: Place, body: bytes, status: int) -> None:
    answer = set_up.ask("POST", "/v1/push", "public", content=body)
    assert answer.status_code in (status, 400), answer.text
    assert not live(set_up)
    assert not set_up.told()


def test_only_who_may_send_events_may_subscribe(set_up: Place) -> None:
    assert subscribe(set_up, "reader", anonymousId="a").status_code == 403
    assert (
        set_up.web.post("/v1/push", json={"subscription": {"endpoint": ENDPOINT, "keys": KEYS}}).status_code
        == 401
    )


def test_without_a_key_there_is_nothing_to_subscribe_to(place: Place) -> None:
    assert place.web.get("/v1/push").status_code == 404


def test_the_worker_is_served(place: Place) -> None:
    answer = place.web.get("/v1/push/worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "showNotification" in answer.text


def test_the_channels_say_what_they_promise(set_up: Place) -> None:
    shown = set_up.ask("GET", "/api/channels").json()
    assert shown["channels"] == {"push": {"provider": "push_web"}}
    assert PRIVATE not in json.dumps(shown)
    classes = {one["name"]: one["delivery"] for one in shown["providers"]}
    assert classes == {
        "console": "A", "email_smtp": "C", "push_web": "A", "slack": "C", "sms_twilio": "C", "webhook": "A",
    }  # fmt: skip
    (sms,) = (one for one in shown["providers"] if one["kind"] == "sms")
    assert "nobody can tell" in sms["promise"]


def test_sending_is_halted_by_whoever_may_send(set_up: Place) -> None:
    assert set_up.ask("POST", "/api/channels/halt", "reader", json={}).status_code == 403
    answer = set_up.ask("POST", "/api/channels/halt", json={"why": "a wrong price"})
    assert answer.json()["halted"] == "a wrong price"
    assert set_up.ask("GET", "/api/channels", "reader").json()["halted"] == "a wrong price"
    assert set_up.ask("POST", "/api/channels/resume", json={}).json()["halted"] == ""
