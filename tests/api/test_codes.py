"""Pools of codes: brought in, counted, and given by a journey as a trait that templates can show."""

from __future__ import annotations

from api_place import URL, Place
from test_tasks import until

JOURNEY = """
journey: gifts
enter: [{event: Ordered}]
steps:
  gift: {incentive: {pool: spring, trait: coupon}, otherwise: none}
  bye:  {leave: given}
  none: {leave: nothing left}
"""


def test_each_customer_gets_a_code_until_there_are_none(place: Place) -> None:
    found = place.ask("POST", "/api/codes/spring", json={"text": "one\n\n two \none\n"})
    assert found.json() == {"codes": 3, "new": 2}
    assert place.ask("POST", "/api/codes/spring", json={"text": "x" * 201}).json()["errors"][0]["line"] == 1
    assert place.ask("POST", "/api/journeys/publish", json={"text": JOURNEY}).status_code == 200
    with place.app.working(URL):
        for who in ("ada", "bob", "eve"):
            place.ask("POST", "/v1/track", "server", json={"userId": who, "event": "Ordered"})
        until(lambda: [name for name, _ in place.told()].count("Journey Left") == 3)
    assert place.ask("GET", "/api/codes", "reader").json() == [{"name": "spring", "free": 0, "codes": 2}]
    traits = [place.ask("GET", f"/api/customers/{who}").json()["traits"] for who in ("ada", "bob", "eve")]
    assert sorted(one.get("coupon", "") for one in traits) == ["", "one", "two"]
    reasons = [told["reason"] for name, told in place.told() if name == "Journey Left"]
    assert sorted(reasons) == ["given", "given", "nothing left"]
