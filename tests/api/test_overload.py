"""Tracking calls when there are too many, or nobody who could take them: clients are asked to come again."""

from __future__ import annotations

from api_place import Place

from sojourn.api.pace import Pace

CALL = {"userId": "ada", "event": "Paid", "messageId": "m1", "properties": {"total": 3}}


def test_who_comes_when_too_much_waits_is_asked_to_come_again(place: Place) -> None:
    place.parts.intake._backlog = 1_000_000  # as when the disk is slow
    for path, call in (("track", CALL), ("b", {"batch": [CALL]})):
        answer = place.ask("POST", f"/v1/{path}", "server", json=call)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 300
        assert answer.json()["code"] == "too_many"
    assert not place.told()


def test_who_goes_too_fast_is_slowed_down_alone(place: Place) -> None:
    place.parts.by_key = Pace(3)
    statuses = [place.ask("POST", "/v1/track", "server", json=CALL).status_code for _ in range(6)]
    assert statuses[:3] == [200] * 3
    assert statuses[-1] == 429
    assert place.ask("POST", "/v1/track", "public", json=CALL).status_code == 200


def test_when_the_database_is_away_clients_are_asked_to_come_again(place: Place) -> None:
    assert place.ask("POST", "/v1/track", "server", json=CALL).status_code == 200
    place.app.database.close()
    for path, call in (("track", CALL), ("batch", {"batch": [CALL]})):
        answer = place.ask("POST", f"/v1/{path}", "server", json=call)
        assert answer.status_code == 503
        assert 0 < int(answer.headers["retry-after"]) <= 300
        assert answer.headers["access-control-allow-origin"] == "*"
    query = {"writeKey": place.keys["server"], "userId": "u", "event": "E"}
    assert place.web.get("/v1/pixel/track", params=query).status_code == 200
