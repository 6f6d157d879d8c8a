"""Journeys that start and end each other, run by a real worker."""

from __future__ import annotations

from api_place import URL, Place
from test_tasks import until

LONG = """
journey: long
enter: [{api: true}]
steps: {pause: {wait: 1 hour}}
"""
BEGIN = """
journey: begin
enter: [{event: Begun}]
steps: {go: {start_journey: long}}
"""
STOP = """
journey: stop
enter: [{event: Stopped}]
steps: {halt: {end_journey: long}}
"""


def _of_long(place: Place) -> list[tuple[str, str]]:
    found = [(name, told) for name, told in place.told() if told.get("journey") == "long"]
    return [(name, told.get("reason", "")) for name, told in found if name.startswith("Journey ")]


def test_one_journey_starts_another_and_a_third_ends_it(place: Place) -> None:
    for text in (LONG, BEGIN, STOP):
        assert place.ask("POST", "/api/journeys/publish", json={"text": text}).status_code == 200
    with place.app.working(URL):
        place.ask("POST", "/v1/track", "server", json={"userId": "ada", "event": "Begun"})
        until(lambda: ("Journey Entered", "") in _of_long(place))
        place.ask("POST", "/v1/track", "server", json={"userId": "ada", "event": "Stopped"})
        until(lambda: ("Journey Left", "ended") in _of_long(place))
