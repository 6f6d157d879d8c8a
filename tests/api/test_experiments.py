"""Experiments: variants are drawn until one is decided on, and then it is given to all who come."""

from __future__ import annotations

from api_place import URL, Place
from test_tasks import until

JOURNEY = """
journey: offers
enter: [{event: Signed Up}]
goal: {event: Order Completed, within: 2 seconds}
steps:
  pick:
    experiment:
      - {name: plain, then: plain_end}
      - {name: bold, then: bold_end}
    decide: when sure
  plain_end: {leave: plain}
  bold_end:  {leave: bold}
"""
PEOPLE = 40


def _left(place: Place) -> list[str]:
    return [told["reason"] for name, told in place.told() if name == "Journey Left"]


def _sign_up(place: Place, first: int, count: int) -> None:
    batch = [
        {"type": "track", "userId": f"p{who}", "event": "Signed Up", "messageId": f"m{who}"}
        for who in range(first, first + count)
    ]
    place.ask("POST", "/v1/batch", "server", json={"batch": batch})


def test_variants_are_drawn_until_one_is_decided_on(place: Place) -> None:
    assert place.ask("POST", "/api/journeys/publish", json={"text": JOURNEY}).status_code == 200
    wanted = {"journey": "offers", "step": "pick", "variant": "bold"}
    with place.app.working(URL):
        _sign_up(place, 0, PEOPLE)
        until(lambda: len(_left(place)) == PEOPLE)
        assert 8 < _left(place).count("bold") < 32
        assert place.ask("PUT", "/api/proof/winner", json=wanted).status_code == 200
        before = _left(place).count("bold")
        _sign_up(place, PEOPLE, PEOPLE)
        until(lambda: len(_left(place)) == 2 * PEOPLE)
    assert _left(place).count("bold") == before + PEOPLE
    given = [told["variant"] for name, told in place.told() if name == "Variant Given"]
    assert (len(given), given.count("bold")) == (PEOPLE, before)
    answer = place.ask("GET", "/api/proof/variants?journey=offers&step=pick", "reader").json()["answer"]
    assert {one["name"]: one["group"]["entered"] for one in answer["variants"]} == {
        "plain": PEOPLE - before,
        "bold": before,
    }
    assert answer["winner"] is None


def test_what_is_no_experiment_is_said(place: Place) -> None:
    assert place.ask("POST", "/api/journeys/publish", json={"text": JOURNEY}).status_code == 200
    odd = {"journey": "offers", "step": "pick", "variant": "italic"}
    assert place.ask("PUT", "/api/proof/winner", json=odd).status_code == 400
    odd = {"journey": "offers", "step": "bold_end", "variant": "bold"}
    assert place.ask("PUT", "/api/proof/winner", json=odd).status_code == 404
