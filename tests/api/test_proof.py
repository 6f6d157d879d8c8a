"""Lift and return as people's programs ask for them: a journey with a holdout, run by a real worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from api_place import URL, Place

from sojourn.errors import Invalid
from sojourn.runtime.proving.terms import parse

JOURNEY = """\
journey: welcome
enter: [{event: Signed Up}]
goal: {event: Order Completed, within: 2 seconds}
holdout: 40%
steps:
  pause: {wait: 2 days}
"""
PEOPLE = 240
COSTS = "channel,period,amount,currency,journey\nemail,2020-01-01/2040-12-31,7671,EUR,welcome\n"


def batch(place: Place, event: str, people: range, **properties: object) -> None:
    calls = [
        {
            "type": "track",
            "userId": f"u{n}",
            "event": event,
            "properties": properties,
            "messageId": f"{event}{n}",
        }
        for n in people
    ]
    assert place.ask("POST", "/v1/batch", "server", json={"batch": calls}).status_code == 200


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not come")


def lift(place: Place, query: str = "journey=welcome") -> Any:
    return place.ask("GET", f"/api/proof/lift?{query}", "reader")


def test_the_lift_of_a_journey_that_ran(place: Place) -> None:
    assert place.ask("POST", "/api/journeys/publish", json={"text": JOURNEY}).status_code == 200
    with place.app.working(URL):
        batch(place, "Signed Up", range(PEOPLE))
        batch(place, "Order Completed", range(0, PEOPLE, 2), total=10.0, currency="EUR")
        until(lambda: _entered(place) == PEOPLE)
        answer = until(lambda: _closed(lift(place).json()))
    question = answer["question"]
    assert (question["journey"], question["holdout"], question["within"]) == ("welcome", 0.4, 2_000_000)
    told = answer["answer"]
    assert told["treated"]["entered"] + told["holdout"]["entered"] == PEOPLE
    assert 60 < told["holdout"]["entered"] < 130
    assert (told["verdict"], told["mixed"]) == ("too early to say", 0)
    assert told["treated"]["reached"] + told["holdout"]["reached"] == PEOPLE // 2
    assert told["difference"]["low"] < 0 < told["difference"]["high"]
    money = lift(place, "journey=welcome&money=true").json()["answer"]
    assert money["treated"]["mean"] == pytest.approx(10 * told["treated"]["mean"])
    _asks_for_the_return(place, told)


def _asks_for_the_return(place: Place, told: Any) -> None:
    assert place.ask("POST", "/api/costs", json={"text": COSTS}).json()["amounts"] == {"EUR": 7671.0}
    found = place.ask("GET", "/api/proof/roi?journey=welcome", "reader").json()["answer"]
    assert found["customers"] == told["treated"]["count"]
    assert found["revenue"] == 10 * told["treated"]["reached"]
    assert 0 < found["cost"] < 7671, "of the costs that part counts which lies before now"
    assert found["roi"] == pytest.approx((found["revenue"] - found["cost"]) / found["cost"])
    assert found["incremental"]["value"] == pytest.approx(
        found["customers"] * found["lift"]["difference"]["value"]
    )


def _entered(place: Place) -> int:
    counts = place.ask("GET", "/api/journeys/welcome/counts").json()
    return sum(one["count"] for one in counts if one["what"] == "entered")


def _closed(found: Any) -> Any:
    groups = (found["answer"]["treated"], found["answer"]["holdout"])
    return found if all(group["count"] == group["entered"] for group in groups) else None


def test_what_cannot_be_compared_says_why(place: Place) -> None:
    assert lift(place).status_code == 404
    place.ask("PUT", "/api/journeys/welcome", json={"text": JOURNEY})
    assert "has not been published" in lift(place).json()["message"]

    def publish(text: str) -> Any:
        return place.ask("POST", "/api/journeys/publish", json={"text": text})

    assert publish(JOURNEY.replace("holdout: 40%\n", "")).status_code == 200
    assert "add `holdout: 10%`" in lift(place).json()["message"]
    aimless = JOURNEY.replace("goal: {event: Order Completed, within: 2 seconds}\n", "")
    assert publish(aimless).status_code == 200
    assert "compare what is spent" in lift(place).json()["message"]
    assert lift(place, "journey=welcome&money=true").status_code == 200
    assert "set proof.holdout" in lift(place, "").json()["message"]
    entry = JOURNEY.replace("{event: Order Completed, within: 2 seconds}", "{entry: plan, is: pro}")
    assert publish(entry).status_code == 200
    assert "asks about the run itself" in lift(place).json()["message"]
    assert place.ask("GET", "/api/proof/roi?journey=welcome&begins=soon").status_code == 400


def test_only_versions_with_the_same_holdout_and_goal_are_compared(place: Place) -> None:
    for text in (
        JOURNEY,
        JOURNEY.replace("40%", "10%"),
        JOURNEY.replace("40%", "10%").replace("2 days", "3 days"),
    ):
        assert place.ask("POST", "/api/journeys/publish", json={"text": text}).status_code == 200
    versions = place.ask("GET", "/api/journeys/welcome").json()["versions"]
    question = lift(place).json()["question"]
    assert (question["holdout"], question["since"]) == (0.1, versions[1]["published"])


def test_a_goal_that_asks_for_a_segment_takes_its_rule_along(place: Place) -> None:
    rule = {"performed": "Order Completed", "at_least": 2}
    assert place.ask("PUT", "/api/segments/loyal", json={"rule": rule}).status_code == 200
    goal = JOURNEY.replace("{event: Order Completed, within: 2 seconds}", "{in_segment: loyal}")
    assert place.ask("POST", "/api/journeys/publish", json={"text": goal}).status_code == 200
    question = lift(place).json()["question"]
    assert (question["goal"], question["segments"]) == ({"in_segment": "loyal"}, {"loyal": rule})
    assert (
        place.ask("POST", "/api/metrics/lift", "reader", json=question).json()["verdict"]
        == "too early to say"
    )


def test_terms_are_set_and_the_global_holdout_counts_from_when_it_changed(place: Place) -> None:
    terms = {
        "holdout": "5%",
        "money": {"event": "Paid", "property": "gross", "currency": "eur"},
        "margin": "60%",
    }
    assert place.ask("GET", "/api/proof", "reader").json()["holdout"] == 0
    before = place.app.database.now()
    first = place.ask("PUT", "/api/proof", json={"proof": terms})
    assert first.status_code == 200
    shown = first.json()
    assert (shown["holdout"], shown["margin"]) == (0.05, 0.6)
    assert shown["money"] == {"event": "Paid", "properties": ["gross"], "currency": "EUR"}
    assert shown["since"] >= before
    again = place.ask("PUT", "/api/proof", json={"proof": {**terms, "margin": 0.5}})
    assert again.json()["since"] == shown["since"], "the holdout did not change"
    other = place.ask("PUT", "/api/proof", json={"proof": {**terms, "holdout": "6%"}})
    assert other.json()["since"] > shown["since"]
    stale = place.ask("PUT", "/api/proof", json={"proof": terms}, headers={"If-Match": first.headers["etag"]})
    assert stale.status_code == 409
    question = lift(place, "").json()["question"]
    assert (question["holdout"], question["journey"], question["since"]) == (0.06, "", other.json()["since"])


@pytest.mark.parametrize(
    ("data", "place_of"),
    [
        ([], "proof"),
        ({"holdouts": "5%"}, "proof.holdouts"),
        ({"holdout": "100%"}, "proof.holdout"),
        ({"holdout": "some"}, "proof.holdout"),
        ({"margin": 0}, "proof.margin"),
        ({"margin": "120%"}, "proof.margin"),
        ({"money": {"event": ""}}, "proof.money.event"),
        ({"money": {"property": []}}, "proof.money.property"),
        ({"money": {"currency": "Euro"}}, "proof.money.currency"),
    ],
)
def test_terms_that_are_none_name_their_place(data: object, place_of: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(data)
    assert refused.value.place == place_of


def test_costs_are_imported_whole_or_not_at_all(place: Place) -> None:
    place.ask("PUT", "/api/journeys/welcome", json={"text": JOURNEY})
    wrong = COSTS + "sms,2026-03,12,EUR,welcom\n"
    answer = place.ask("POST", "/api/costs", json={"text": wrong})
    assert answer.status_code == 400
    assert answer.json()["errors"][0] == {
        "place": "column 'journey'",
        "message": "'welcom' is no journey; did you mean 'welcome'?",
        "line": 3,
    }
    assert place.ask("GET", "/api/costs").json() == []
    dry = place.ask("POST", "/api/costs", json={"text": wrong, "dry_run": True}).json()
    assert (dry["costs"], dry["bad"], dry["first_bad"][0]["line"]) == (1, 1, 3)
    assert place.ask("GET", "/api/costs").json() == []
    for replaced in (0, 1):
        assert place.ask("POST", "/api/costs", json={"text": COSTS}).json()["replaced"] == replaced
    assert len(place.ask("GET", "/api/costs", "reader").json()) == 1
    assert place.ask("POST", "/api/costs", "reader", json={"text": COSTS}).status_code == 403
