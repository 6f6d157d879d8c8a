"""Tracking calls over HTTP, exactly as Segment's clients make them (promises, 3.1)."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from api_place import Place

from sojourn.ingest.event import Origin
from sojourn.ingest.wire.trust import signature
from sojourn.store.files import quarantine

CALL = {"userId": "ada", "event": "Paid", "messageId": "m1", "properties": {"total": 3}}
SUCCESS = b'{"success": true}'


def batch(*calls: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"batch": [{"type": "track", **call} for call in calls], **more}).encode()


@pytest.mark.parametrize(
    ("path", "call", "name"),
    [
        ("identify", {"traits": {"plan": "pro"}}, "Identified"),
        ("i", {}, "Identified"),
        ("track", {"event": "Paid"}, "Paid"),
        ("t", {"event": "Paid"}, "Paid"),
        ("page", {"name": "Home"}, "Page Viewed"),
        ("p", {}, "Page Viewed"),
        ("screen", {}, "Screen Viewed"),
        ("s", {}, "Screen Viewed"),
        ("group", {"groupId": "g"}, "Group Joined"),
        ("g", {"groupId": "g"}, "Group Joined"),
    ],
)
def test_every_call_and_its_short_path(place: Place, path: str, call: dict[str, Any], name: str) -> None:
    answer = place.ask("POST", f"/v1/{path}", "server", json={"userId": "ada", **call})
    assert (answer.status_code, answer.content) == (200, SUCCESS)
    assert [told[0] for told in place.told()] == [name]
    assert place.logged().origins.tolist() == [Origin.SERVER]


@pytest.mark.parametrize("path", ["batch", "b"])
def test_a_batch_is_taken_whole(place: Place, path: str) -> None:
    body = batch(*({**CALL, "messageId": str(n)} for n in range(100)))
    assert place.ask("POST", f"/v1/{path}", "server", content=body).content == SUCCESS
    assert len(place.told()) == 100


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_the_key_is_taken_wherever_clients_put_it(place: Place) -> None:
    key = place.keys["server"]
    ways: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"Authorization": basic(f"{key}:")}, {}),
        ({"Authorization": basic(key)}, {}),
        ({"Authorization": basic(f"{key}:x").rstrip("=")}, {}),
        ({"Authorization": f"Bearer {key}"}, {}),
        ({}, {"writeKey": key}),
        ({"Authorization": "Bearer an-oauth-token"}, {"writeKey": key}),
        ({"Authorization": basic("nobody:")}, {"writeKey": key}),
    ]
    for number, (headers, body) in enumerate(ways):
        for path, call in (("track", CALL | body), ("batch", {"batch": [{"type": "track", **CALL}], **body})):
            answer = place.web.post(f"/v1/{path}", json=call | {"messageId": str(number)}, headers=headers)
            assert answer.status_code == 200, (headers, body, answer.text)
    item = {"batch": [{"type": "track", **CALL, "writeKey": key}]}
    assert place.web.post("/v1/batch", json=item).status_code == 200


@pytest.mark.parametrize("key", ["", "nobody", "\ud800", "x" * 10_000])
def test_a_wrong_key_opens_nothing(place: Place, key: str) -> None:
    answer = place.web.post("/v1/track", content=json.dumps(CALL | {"writeKey": key}))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthenticated"
    assert answer.json()["message"]
    assert not place.told()


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json", ""),
        ("text/plain", ""),
        ("application/x-www-form-urlencoded", ""),
        ("application/x-www-form-urlencoded", "gzip"),
        ("application/json", "gzip"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_the_headers_say_of_the_body_does_not_matter(
    place: Place, content_type: str, encoding: str, packed: bool
) -> None:
    body = batch(CALL)
    headers = {"Content-Type": content_type} if content_type else {}
    headers |= {"Content-Encoding": encoding} if encoding and packed else {}
    body = gzip.compress(body) if packed else body
    assert place.ask("POST", "/v1/batch", "server", content=body, headers=headers).status_code == 200
    assert len(place.told()) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "must be an object with an array"),
        (b"{}", "must be an object with an array"),
        (b'{"batch": 1}', "must be an object with an array"),
        (gzip.compress(b"{", mtime=0)[:-3], "ends in the middle"),
        (b"\x1f\x8bnonsense", "no gzip"),
    ],
)
def test_a_body_that_is_none_gets_a_clear_400(place: Place, body: bytes, words: str) -> None:
    answer = place.ask("POST", "/v1/batch", "server", content=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_call_that_is_none_says_where_and_is_not_lost(place: Place) -> None:
    answer = place.ask("POST", "/v1/track", "server", json={"event": "Paid"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["place"] == "userId"
    with place.app.database.reading() as connection:
        (kept,) = quarantine.page(connection)
    assert json.loads(kept.raw) == {"event": "Paid"}
    assert "userId" in kept.reason


POISON = [
    b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": NaN}}',
    b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": Infinity}}',
    b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": 1e400}}',
    b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": "\\ud800"}}',
    b'{"type": "track", "userId": "u\\u0000", "event": "E\\u0000", "properties": {"\\u0000": "\\u0000"}}',
    b'{"type": "track", "userId": "u", "event": "E", "event": "F"}',
    b'{"type": "track", "userId": 12345678901234567890123, "event": "E"}',
    b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": 12345678901234567890123}}',
    b'{"type": "track", "userId": "u", "event": "E", "timestamp": "yesterday"}',
    b'{"type": "track", "userId": "u", "event": "E", "timestamp": {}}',
    b'{"type": "track", "userId": "u", "event": "E", "timestamp": 1e300}',
]
HOPELESS = [
    b'{"type": "track", "userId": "u", "event": "E", "properties": {"x": '
    + b"[" * 2000
    + b"]" * 2000
    + b"}}",
    b'{"type": "track", "userId": "", "event": "E"}',
    b'{"type": "track", "userId": {"a": 1}, "event": "E"}',
    b'{"type": "track", "userId": "null", "event": "E"}',
    b'{"type": "track", "userId": "u", "event": "E", "messageId": "' + b"m" * 101 + b'"}',
    b'{"type": "nothing", "userId": "u"}',
    b'{"type": "track", "userId": "u", "event": "E", "properties": "text"}',
    b'{"type": "track", "userId": "u", "event": "' + b"E" * 33_000 + b'"}',
    b"17",
    b"null",
]


@pytest.mark.parametrize("odd", [*POISON, *HOPELESS], ids=range(21))
def test_one_bad_event_never_harms_its_batch(place: Place, odd: bytes) -> None:
    good = [
        json.dumps({"type": "track", "userId": "u", "event": "Good", "messageId": str(n)}) for n in range(99)
    ]
    parts = [part.encode() for part in good]
    body = b'{"batch": [' + b",".join((*parts[:50], odd, *parts[50:])) + b"]}"
    answer = place.ask("POST", "/v1/batch", "server", content=body)
    assert (answer.status_code, answer.content) == (200, SUCCESS)
    names = [name for name, _ in place.told()]
    assert names.count("Good") == 99
    with place.app.database.reading() as connection:
        kept = quarantine.count(connection)
    assert (len(names) - 99, kept) == ((1, 0) if odd in POISON else (0, 1))
    assert place.ask("POST", "/v1/track", "server", json=CALL).status_code == 200


def padded(size: int) -> bytes:
    """A batch of exactly this many bytes, of events that are each small enough."""
    calls = [{**CALL, "messageId": str(n), "properties": {"x": "x" * 30_000}} for n in range(size // 31_000)]
    return batch(*calls) + b" " * (size - len(batch(*calls)))


@pytest.mark.parametrize(("surplus", "status"), [(0, 200), (1, 400)])
def test_the_size_limit_of_a_batch_is_exact(place: Place, surplus: int, status: int) -> None:
    body = padded(500 * 1024 + surplus)
    for sent in (body, gzip.compress(body)):
        assert place.ask("POST", "/v1/batch", "server", content=sent).status_code == status


def test_rudders_clients_may_send_more(place: Place) -> None:
    agent = {"User-Agent": "rudderstack-python/2.1.9"}
    answer = place.ask("POST", "/v1/batch", "server", content=padded(2 * 1024 * 1024), headers=agent)
    assert answer.status_code == 200


def test_an_event_counts_once(place: Place) -> None:
    twice = batch(CALL, CALL)
    for body in (twice, batch(CALL), gzip.compress(twice)):
        assert place.ask("POST", "/v1/batch", "server", content=body).content == SUCCESS
    assert len(place.told()) == 1


def test_an_unknown_path_is_not_found(place: Place) -> None:
    assert place.ask("POST", "/v1/nothing", "server", json=CALL).status_code == 404


def test_history_is_received_when_it_happened(place: Place) -> None:
    past = CALL | {"timestamp": "2020-01-01T00:00:00Z"}
    assert place.ask("POST", "/v1/import", "server", content=batch(past)).status_code == 200
    rows = place.logged()
    assert rows.received.tolist() == rows.happened.tolist() == [1_577_836_800_000_000]
    assert rows.origins.tolist() == [Origin.IMPORT]
    assert place.ask("POST", "/v1/import", "public", content=batch(past)).status_code == 403


def test_a_browser_asks_first_and_may_then_send(place: Place) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Headers": "authorization,x-retry-count",
    }
    preflight = place.web.options("/v1/t", headers=asked | {"Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    allowed = preflight.headers["access-control-allow-headers"]
    assert {"authorization", "content-type", "content-encoding", "x-retry-count"} <= set(allowed.split(", "))
    assert preflight.headers["access-control-max-age"] == "86400"
    assert "access-control-allow-credentials" not in preflight.headers
    sent = place.ask("POST", "/v1/t", "public", json={"anonymousId": "a", "event": "E"}, headers=asked)
    assert sent.headers["access-control-allow-origin"] == "*"


def test_no_other_page_may_read_the_apps_own_endpoints(place: Place) -> None:
    for path in ("/api/journeys", "/healthz", "/u/x"):
        answer = place.ask("GET", path, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers


def test_a_public_key_speaks_for_nobody_but_its_device(place: Place) -> None:
    claim = {"userId": "victim", "anonymousId": "mine", "traits": {"email": "victim@example.org"}}
    assert place.ask("POST", "/v1/identify", "server", json={"userId": "victim"}).status_code == 200
    assert place.ask("POST", "/v1/identify", "public", json=claim).status_code == 200
    first, second = place.logged().subjects.tolist()
    assert first != second
    rows = place.logged()
    assert rows.origins.tolist() == [Origin.SERVER, Origin.PUBLIC]
    assert json.loads(rows.traits[1]) == {
        "unconfirmed_email": "victim@example.org",
        "unconfirmed_user_id": "victim",
    }


def test_what_the_server_signed_is_believed_of_a_browser(place: Place) -> None:
    secret = place.parts.settings.identity_secret
    proof = {"Sojourn": {"user_id_hash": signature(secret, "user_id", "ada")}}
    place.ask("POST", "/v1/identify", "server", json={"userId": "ada"})
    place.ask("POST", "/v1/page", "public", json={"userId": "ada", "integrations": proof})
    first, second = place.logged().subjects.tolist()
    assert first == second


def test_nobody_can_tell_us_what_became_of_our_messages(place: Place) -> None:
    for key in ("server", "public"):
        for name in ("Email Opened", "Consent Given", "Message Planned", "Paper Bounced"):
            place.ask("POST", "/v1/track", key, json={"userId": "u", "event": name})
    assert {name for name, _ in place.told()} == {
        "Email Opened (reported)",
        "Consent Given (reported)",
        "Message Planned (reported)",
        "Paper Bounced (reported)",
    }


def test_a_key_that_may_not_send_sends_nothing(place: Place) -> None:
    assert place.ask("POST", "/v1/track", "reader", json=CALL).status_code == 403


def pixel(place: Place, call: str, **query: str) -> Any:
    return place.web.get(f"/v1/pixel/{call}", params=query)


def test_a_pixel_carries_an_event(place: Place) -> None:
    key = place.keys["public"]
    data = json.dumps({"writeKey": key, "anonymousId": "a", "event": "Seen", "properties": {"n": 1}})
    encoded = base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")
    answers = [
        pixel(place, "track", data=encoded),
        pixel(place, "track", writeKey=key, anonymousId="a", event="Seen", **{"properties.plan.name": "pro"}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.content.startswith(b"GIF89a")
        assert answer.headers["content-type"] == "image/gif"
        assert answer.headers["cache-control"] == "no-store"
    told = [(name, {k: v for k, v in said.items() if k != "context.ip"}) for name, said in place.told()]
    assert told == [("Seen", {"n": 1}), ("Seen", {"plan.name": "pro"})]


@pytest.mark.parametrize(
    ("call", "query"),
    [
        ("track", {}),
        ("nothing", {}),
        ("track", {"data": "%%%"}),
        ("track", {"data": "bm90IGpzb24"}),
        ("track", {"writeKey": "nobody", "event": "E", "userId": "u"}),
        ("track", {"properties": "x", "properties.a": "b"}),
    ],
)
def test_a_pixel_is_a_picture_whatever_happens(place: Place, call: str, query: dict[str, str]) -> None:
    answer = pixel(place, call, **query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert not place.told()


def test_segments_browser_script_is_told_where_to_send(place: Place) -> None:
    answer = place.web.get(f"/v1/projects/{place.keys['public']}/settings")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["integrations"]["Segment.io"]["apiHost"] == "sojourn.test/v1"
    assert place.web.get("/v1/projects/nobody/settings").status_code == 401
