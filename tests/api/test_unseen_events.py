"""A journey that waits for an event which nobody ever sent is told so, before and after it is published."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from api_place import Place

from sojourn.runtime import history

JOURNEY = """
journey: welcome
enter: [{event: Signed Up, again: after leaving}]
steps:
  pause: {wait_for: [{event: Order Completed, then: bye}], at_most: 2 days, otherwise: again}
  again: {emit_event: {name: Reminded}, then: known}
  known:
    branch: [{if: {performed: Reminded}, then: bye}]
    otherwise: bye
  bye: {leave: done}
"""


def unseen(place: Place) -> list[str]:
    """What a check says about events."""
    found = place.ask("POST", "/api/journeys/check", json={"text": JOURNEY}).json()
    assert {one["severity"] for one in found} <= {"warning"}, found
    return [f"{one['step']}: {one['what']}" for one in found if "ever seen" in one["what"]]


def send(place: Place, *events: str) -> None:
    """Send events as a server does."""
    secret = b64encode(f"{place.keys['server']}:".encode()).decode()
    for event in events:
        call: dict[str, Any] = {"userId": "ada", "event": event}
        sent = place.web.post("/v1/track", json=call, headers={"Authorization": f"Basic {secret}"})
        assert sent.status_code == 200


def test_an_event_is_missed_until_it_was_sent(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    send(place, "Signed Upp", "Order Completed")
    told = [": no event 'Signed Up' was ever seen; did you mean 'Signed Upp'?"]
    assert unseen(place) == told
    assert place.ask("POST", "/api/journeys/publish", json={"text": JOURNEY}).status_code == 200
    place.app.database.write(lambda c: place.app.names.codes(c, ["Signed Up"]))  # as whoever listens to it
    assert unseen(place) == told, "that a journey listens to it does not make it seen"
    monkeypatch.setattr(history, "RECENT", 0)
    send(place, "Signed Up")
    assert unseen(place) == [], "it stands in the log, far behind the newest"
