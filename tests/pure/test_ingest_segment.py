"""Segment's calls become our events: names, ids, traits, times and limits."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.wire import lenient, segment
from sojourn.ingest.wire.limits import SEGMENT
from sojourn.ingest.wire.plain import plain
from sojourn.ingest.wire.trust import Source, signature
from sojourn.tape.hashing import hash_text

NINE = 1_772_355_600_000_000  # 2026-03-01 09:00 UTC
SECRET = b"the identity secret"
SERVER = Source(Origin.SERVER)
PUBLIC = Source(Origin.PUBLIC, secret=SECRET)


def read(*calls: Any, source: Source = SERVER, kind: str = "", **envelope: Any) -> Reading:
    body = json.dumps({"batch": calls, **envelope}).encode()
    return segment.read(lenient.envelope(body, SEGMENT), source, NINE, "salt", kind)


def one(source: Source = SERVER, **call: Any) -> Event:
    reading = read({"userId": "u", **call}, source=source)
    assert not reading.rejected
    return reading.events[0]


def why(**call: Any) -> str:
    (rejected,) = read(call).rejected
    assert json.loads(rejected.event) == call
    return f"{rejected.place}: {rejected.why}"


@pytest.mark.parametrize(
    ("call", "name", "properties", "traits"),
    [
        ({"type": "track", "event": "Paid", "properties": {"a": 1}}, "Paid", {"a": 1}, {}),
        ({"type": "identify", "traits": {"plan": "pro"}}, "Identified", {}, {"plan": "pro"}),
        ({"type": "identify", "context": {"traits": {"plan": "pro"}}}, "Identified", {}, {"plan": "pro"}),
        (
            {"type": "page", "name": "Home", "category": "Docs", "properties": {"url": "/"}},
            "Page Viewed",
            {"url": "/", "name": "Home", "category": "Docs"},
            {},
        ),
        ({"type": "screen", "name": "Start"}, "Screen Viewed", {"name": "Start"}, {}),
        (
            {"type": "group", "groupId": 7, "traits": {"size": 3}},
            "Group Joined",
            {"group": "7", "group.size": 3},
            {},
        ),
    ],
)
def test_each_call_has_its_name(call: Any, name: str, properties: Any, traits: Any) -> None:
    event = one(**call)
    assert (event.name, event.properties, event.traits) == (name, properties, traits)
    assert event.origin == Origin.SERVER
    assert event.identities == (("user_id", "u"),)


def test_nested_values_become_paths_and_lists_texts() -> None:
    event = one(
        type="track",
        event="E",
        properties={"a": {"b": {"c": True}}, "list": [1, {"x": "é"}], "none": None, "big": 2**70, "n": 1.5},
    )
    assert event.properties == {"a.b.c": True, "list": '[1,{"x":"é"}]', "big": float(2**70), "n": 1.5}


def test_a_trait_of_null_is_taken_away() -> None:
    assert one(type="identify", traits={"plan": None, "address": {"city": "Ulm"}}).traits == {
        "plan": None,
        "address.city": "Ulm",
    }


def test_the_ids_a_call_claims() -> None:
    event = one(
        type="identify",
        userId=17,
        anonymousId="a",
        traits={"email": " Ada@Example.org ", "phone": "+49 (30) 1234-567"},
        context={"device": {"id": "d"}, "externalIds": [{"id": "x1", "type": "crm", "collection": "users"}]},
    )
    assert event.identities == (
        ("user_id", "17"),
        ("anonymous_id", "a"),
        ("email", "Ada@Example.org"),
        ("phone", "+49301234567"),
        ("device", "d"),
        ("crm", "x1"),
    )


def test_the_email_of_a_group_is_nobodys() -> None:
    call: dict[str, Any] = {"type": "group", "groupId": "g", "traits": {"email": "office@example.org"}}
    assert one(**call).identities == (("user_id", "u"),)


def test_context_and_integrations_of_the_batch_are_merged_into_its_calls() -> None:
    call = {"type": "track", "userId": "u", "event": "E", "context": {"ip": "1.2.3.4"}}
    (event,) = read(
        call, context={"ip": "5.6.7.8", "locale": "de", "library": {"name": "x"}}, integrations={"All": False}
    ).events
    assert event.properties == {
        "context.ip": "1.2.3.4",
        "context.locale": "de",
        "integrations.All": False,
    }


def test_a_browsers_time_zone_is_a_trait_of_whom_it_identifies() -> None:
    assert one(type="identify", context={"timezone": "Europe/Berlin"}).traits["timezone"] == "Europe/Berlin"


def test_alias_only_joins_two_ids() -> None:
    event = one(type="alias", userId="new", previousId="old")
    assert event.alias
    assert event.name == ""
    assert event.identities == (("user_id", "new"), ("previous_id", "old"))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ({"type": "track", "event": "E"}, "userId: userId or anonymousId is required, and not null or zeros"),
        (
            {"type": "track", "event": "E", "userId": ""},
            "userId: userId or anonymousId is required, and not null or zeros",
        ),
        ({"type": "track", "event": "E", "userId": ["u"]}, "userId: must be a text or a number"),
        ({"type": "track", "event": "E", "userId": True}, "userId: must be a text or a number"),
        ({"type": "track", "event": "E", "userId": "u" * 513}, "userId: longer than 512 characters"),
        ({"type": "track", "userId": "u"}, "event: is required"),
        ({"type": "track", "userId": "u", "event": "E" * 257}, "event: longer than 256 characters"),
        ({"type": "what", "userId": "u"}, "type: must be one of identify, track, page, screen, group, alias"),
        ({"userId": "u"}, "type: must be one of identify, track, page, screen, group, alias"),
        (
            {"type": ["track"], "userId": "u"},
            "type: must be one of identify, track, page, screen, group, alias",
        ),
        ({"type": "alias", "userId": "u"}, "previousId: is required"),
        ({"type": "group", "userId": "u"}, "groupId: is required"),
        ({"type": "page", "userId": "u", "properties": [1]}, "properties: must be an object"),
        ({"type": "identify", "userId": "u", "traits": "x"}, "traits: must be an object"),
        ({"type": "page", "userId": "u", "context": 3}, "context: must be an object"),
        ({"type": "page", "userId": "u", "messageId": "m" * 101}, "messageId: longer than 100 characters"),
        (
            {"type": "page", "userId": "u", "properties": {str(i): i for i in range(1001)}},
            "properties: more than 1,000 values",
        ),
    ],
)
def test_what_cannot_be_taken_says_why_and_where(call: Any, reason: str) -> None:
    assert why(**call) == reason


def test_one_bad_call_leaves_the_other_ninety_nine() -> None:
    good = [{"type": "track", "userId": "u", "event": "E", "messageId": str(i)} for i in range(99)]
    reading = read(*good[:50], {"type": "track"}, *good[50:])
    assert len(reading.events) == 99
    assert len(reading.rejected) == 1


def test_the_surplus_of_a_batch_is_rejected() -> None:
    reading = read(*[{"type": "page", "userId": "u"}] * 2502)
    assert len(reading.events) == 2500
    assert {rejected.why for rejected in reading.rejected} == {"more than 2,500 events in a batch"}


def test_the_size_limit_of_an_event_is_exact() -> None:
    empty = json.dumps({"type": "page", "userId": "u", "name": ""})
    for surplus, taken in ((0, 1), (1, 0)):
        body = empty.replace('""', f'"{"x" * (32 * 1024 - len(empty) + surplus)}"')
        reading = segment.read(lenient.Envelope([body.encode()]), SERVER, NINE, "salt")  # type: ignore[list-item]
        assert len(reading.events) == taken


def test_message_ids_are_hashed_and_made_where_they_lack() -> None:
    calls = [{"type": "page", "userId": "u"}, {"type": "page", "userId": "u", "messageId": ""}]
    made = [event.key for event in read(*calls).events]
    assert made == [hash_text("made.salt.0"), hash_text("made.salt.1")]
    assert one(type="page", messageId="m").key == hash_text("m")


def test_times_are_corrected_by_the_senders_clock() -> None:
    call = {"type": "page", "userId": "u", "timestamp": "2031-01-01T00:00:00Z"}
    (event,) = read(call, sentAt="2031-01-01T00:00:05Z").events
    assert (event.happened, event.received) == (NINE - 5_000_000, NINE)
    (event,) = read({**call, "sentAt": "2031-01-01T00:00:07Z"}, sentAt="2031-01-01T00:00:05Z").events
    assert event.happened == NINE - 7_000_000
    (event,) = read(call).events
    assert event.happened == NINE
    assert event.properties == {"context.clamped": True}


def test_imported_history_was_received_when_it_happened() -> None:
    call = {"type": "page", "userId": "u", "timestamp": "2020-01-01T00:00:00Z"}
    (event,) = read(call, source=Source(Origin.IMPORT), sentAt="2026-01-01T00:00:05Z").events
    assert event.happened == event.received == 1_577_836_800_000_000
    assert event.origin == Origin.IMPORT


def test_a_public_key_cannot_claim_to_be_a_user() -> None:
    claims = {"userId": "victim", "anonymousId": "mine", "traits": {"email": "v@example.org", "plan": "pro"}}
    event = one(PUBLIC, type="identify", **claims)
    assert event.identities == (("anonymous_id", "mine"),)
    assert event.traits == {
        "unconfirmed_email": "v@example.org",
        "unconfirmed_user_id": "victim",
        "plan": "pro",
    }
    assert event.origin == Origin.PUBLIC


def test_a_public_key_without_an_anonymous_id_speaks_of_nobody_known() -> None:
    assert one(PUBLIC, type="page", userId="victim").identities == (("unproven", "user_id:victim"),)


def test_what_the_customers_server_signed_is_believed() -> None:
    signed = {"Sojourn": {"user_id_hash": signature(SECRET, "user_id", "me")}}
    event = one(
        PUBLIC,
        type="identify",
        userId="me",
        anonymousId="a",
        traits={"email": "victim@example.org"},
        integrations=signed,
    )
    assert event.identities == (("user_id", "me"), ("anonymous_id", "a"))
    assert event.traits == {"unconfirmed_email": "victim@example.org"}
    assert event.properties == {}


@pytest.mark.parametrize(
    "given", ["", "0" * 64, signature(SECRET, "email", "me"), signature(b"other", "user_id", "me"), 7, None]
)
def test_another_signature_proves_nothing(given: Any) -> None:
    event = one(PUBLIC, type="page", userId="me", integrations={"Sojourn": {"user_id_hash": given}})
    assert event.identities == (("unproven", "user_id:me"),)


def test_an_installation_without_a_secret_believes_no_signature() -> None:
    signed = {"Sojourn": {"user_id_hash": signature(b"", "user_id", "me")}}
    source = Source(Origin.PUBLIC)
    assert one(source, type="page", userId="me", integrations=signed).identities == (
        ("unproven", "user_id:me"),
    )


def test_a_public_alias_to_an_unproven_user_says_nothing() -> None:
    reading = read({"type": "alias", "userId": "victim", "previousId": "mine"}, source=PUBLIC)
    assert reading == Reading()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
TIMES = st.sampled_from(["2026-03-01T09:00:00Z", "yesterday", 0, 1_772_355_600, -(10**30), 1e300, None])
FIELDS = {
    "type": st.sampled_from([*segment.CALLS, "other", None, 7]),
    "event": st.just("E") | ANYTHING,
    "userId": st.sampled_from(["u", "", "null", 7, 7.5, True]) | ANYTHING,
    "anonymousId": st.just("a") | ANYTHING,
    "previousId": st.just("p") | ANYTHING,
    "groupId": st.just("g") | ANYTHING,
    "messageId": st.just("m") | ANYTHING,
    "properties": st.dictionaries(st.text(max_size=6), ANYTHING, max_size=3) | ANYTHING,
    "traits": st.dictionaries(st.sampled_from(["email", "phone", "x"]), ANYTHING, max_size=3) | ANYTHING,
    "context": st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("traits", "device", "externalIds", "ip", "library", "timezone", "page"), ANYTHING
        ),
    )
    | ANYTHING,
    "integrations": st.fixed_dictionaries({}, optional={"Sojourn": ANYTHING, "All": ANYTHING}) | ANYTHING,
    "timestamp": TIMES | ANYTHING,
    "originalTimestamp": TIMES | ANYTHING,
    "sentAt": TIMES | ANYTHING,
}


@given(
    st.fixed_dictionaries({}, optional=FIELDS),
    st.fixed_dictionaries(
        {}, optional={name: FIELDS[name] for name in ("context", "integrations", "sentAt")}
    ),
    st.sampled_from([SERVER, PUBLIC, Source(Origin.IMPORT)]),
)
def test_whatever_a_call_holds_it_is_taken_or_rejected(call: Any, envelope: Any, source: Source) -> None:
    reading = read(call, source=source, **envelope)
    assert len(reading.events) + len(reading.rejected) <= 1
    for event in reading.events:
        assert event.happened <= event.received <= NINE
        assert event.identities
        assert event.name or event.alias
        msgspec.json.encode((event.properties, event.traits))
        if source is PUBLIC:
            assert not {"user_id", "email"} & {kind for kind, _ in event.identities}
            assert "email" not in event.traits
            assert "phone" not in event.traits


PLAIN = {
    "event": st.sampled_from(["E", " E ", "Email Opened", "é" * 300]) | st.text(max_size=4),
    "userId": st.sampled_from(["u", " u", "null", "x" * 513]) | st.text(max_size=4),
    "anonymousId": st.sampled_from(["a", None, "0"]) | st.text(max_size=4),
    "messageId": st.sampled_from(["m", "", "m" * 101]) | st.text(max_size=4),
    "timestamp": TIMES,
    "properties": st.dictionaries(st.text(max_size=4), ANYTHING, max_size=4)
    | st.dictionaries(st.text(max_size=4), st.text() | st.integers() | st.floats() | st.booleans()),
    "context": st.sampled_from([{}, {"library": {"name": "x"}}, {"ip": "1.2.3.4"}, {"library": None}, None]),
    "integrations": st.sampled_from([{}, {"All": True}, {"All": False}, None]),
    "traits": st.sampled_from([None, {"plan": "pro"}]),
    "sentAt": TIMES,
    "originalTimestamp": TIMES,
}


@given(st.fixed_dictionaries({}, optional=PLAIN), TIMES)
def test_the_quick_way_and_the_general_way_are_one(call: Any, sent: Any) -> None:
    call = {"type": "track", **call}
    assert read(call, sentAt=sent) == read(call, sentAt=sent, kind="track")


def test_most_calls_go_the_quick_way() -> None:
    call = {"userId": "u", "event": "E", "messageId": "m", "properties": {"n": 1}, "integrations": {}}
    raw = json.dumps({"type": "track", "context": {"library": {"name": "x"}}, **call}).encode()
    assert (plain(raw, None, NINE),) == read({"type": "track", **call}, kind="track").events
