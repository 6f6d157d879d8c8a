"""What text messages, notifications and notices to the team need, and how their links are tracked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.ingest.reserved import outside
from sojourn.message.links import Tracking, tracked
from sojourn.message.render import About, Rendered, render
from sojourn.message.template import parse
from sojourn.message.tokens import Click, Keyring

KEYS = Keyring({1: b"a" * 32})
OURS = "https://t.example.org"
TRACKING = Tracking(KEYS, 7, OURS)


def said(template: dict[str, Any], **traits: Any) -> Rendered:
    return tracked(render(parse({"name": "t", **template}), About(traits)), TRACKING)


def link(number: int) -> str:
    return f"{OURS}/c/{KEYS.sign(Click(7, number))}"


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ({"channel": "sms"}, "text"),
        ({"channel": "sms", "text": "a", "languages": {"de": {"subject": "b"}}}, None),
        ({"channel": "slack"}, "text"),
        ({"channel": "push", "text": "a"}, "payload.title"),
        ({"channel": "push", "payload": {"body": "a"}}, "payload.title"),
        ({"channel": "push", "payload": {"title": "a"}, "languages": {"de": {"payload": {"body": "b"}}}},
         "languages.de.payload.title"),
        ({"channel": "push", "payload": {"title": "a", "body": "{{"}}, "payload.body"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_its_place(template: dict[str, Any], place: str | None) -> None:
    if place is None:
        assert parse({"name": "t", **template}).name == "t"
        return
    with pytest.raises(Invalid) as error:
        parse({"name": "t", **template})
    assert error.value.place == place


def test_the_addresses_in_a_text_are_tracked_and_nothing_else() -> None:
    text = "Hi {{ customer.name }}: https://example.org/a?b=1&c=2, (http://example.org/x). mail@example.org"
    message = said({"channel": "sms", "text": f"{text} {{{{ x }}}}"}, name="Ada")
    assert message.text == f"Hi Ada: {link(1)}, ({link(2)}). mail@example.org"
    assert message.links == ("https://example.org/a?b=1&c=2", "http://example.org/x")
    assert said({"channel": "sms", "text": f"Stop: {OURS}/u/token"}).links == ()


def test_a_notification_opens_what_is_tracked() -> None:
    payload = {"title": "Hi {{ customer.name }}", "url": "https://example.org/{{ customer.id }}", "badge": 1}
    message = said({"channel": "push", "payload": payload}, name='Ada", "x": "', id=7)
    assert json.loads(message.text) == {"title": 'Hi Ada", "x": "', "url": link(1), "badge": 1}
    assert message.links == ("https://example.org/7",)
    harmless = said({"channel": "push", "payload": {"title": "a", "url": "javascript:alert(1)"}})
    assert json.loads(harmless.text)["url"] == "#"


def test_a_notice_to_the_team_is_left_alone() -> None:
    message = said({"channel": "slack", "text": "*Ada* https://example.org/1"})
    assert (message.text, message.links) == ("*Ada* https://example.org/1", ())


@given(st.text(max_size=300))
def test_any_text_can_be_tracked(text: str) -> None:
    message = tracked(Rendered("sms", text=text), TRACKING)
    if "://" not in text:
        assert message.text == text
    assert message.text.count(f"{OURS}/c/") >= len(message.links)


def test_nobody_else_says_what_became_of_our_messages() -> None:
    for name in ("SMS Delivered", "SMS Replied", "SMS Received", "Push Clicked", "Slack Sent"):
        assert outside(name) == f"{name} (reported)"
    assert outside("Push Subscribed") == "Push Subscribed"
