"""Scores, the lifecycle and lists by HTTP: defined, refused, and asked about one customer."""

from __future__ import annotations

from typing import Any

import pytest
from api_place import Place

LEAD = """\
score: lead   # who is worth a call
groups:
  fit: {points: [{if: {trait: plan, is: pro}, points: 20}]}
  engagement:
    half_life: 30 days
    points: [{event: Pricing Viewed, points: 15, at_most: 45}]
"""
LIFECYCLE = """\
lifecycle:
  - cold
  - MQL: {if: {score: lead, at_least: 30}, leave_below: 10}
  - customer: {if: {performed: Order Completed}, stays: true}
"""


def happen(place: Place, *names: str) -> None:
    calls = [{"type": "identify", "userId": "ada", "traits": {"email": "ada@example.org", "plan": "pro"}}]
    calls += [{"type": "track", "userId": "ada", "event": name} for name in names]
    answer = place.web.post("/v1/batch", json={"batch": calls}, auth=(place.keys["server"], ""))
    assert answer.status_code == 200, answer.text


def test_a_score_is_kept_as_written_and_says_what_it_gives(place: Place) -> None:
    saved = place.ask("PUT", "/api/scores/lead", json={"text": LEAD})
    assert saved.status_code == 200, saved.text
    assert saved.json()["text"] == LEAD
    assert saved.json()["definition"]["groups"]["engagement"]["half_life"] == "30 days"
    assert saved.json()["sentences"] == [
        "+20 points to “fit” as long as: Their “plan” is “pro”.",
        "+15 points to “engagement” each time, at most 45 in all: They did “Pricing Viewed” at least once.",
        "What events gave to “engagement” loses half of itself in 30 days.",
    ]
    again = place.ask("PUT", "/api/scores/lead", json={"text": LEAD.replace("who is", "who may be")})
    assert again.json()["version"] == saved.json()["version"], "other words for the same"
    late = place.ask(
        "PUT", "/api/scores/lead", json={"text": LEAD.replace("15", "16")}, headers={"If-Match": '"7"'}
    )
    assert late.status_code == 409
    assert [one["name"] for one in place.ask("GET", "/api/scores").json()] == ["lead"]
    assert place.ask("DELETE", "/api/scores/lead").status_code == 204
    assert place.ask("GET", "/api/scores/lead").status_code == 404


def test_a_customer_has_points_and_a_stage(place: Place) -> None:
    assert place.ask("PUT", "/api/scores/lead", json={"text": LEAD}).status_code == 200
    assert place.ask("PUT", "/api/lifecycle", json={"text": LIFECYCLE}).status_code == 200
    happen(place, "Pricing Viewed", "Pricing Viewed")
    worth = place.ask("GET", "/api/scores/lead/customers/ada").json()
    assert worth["score"] == "lead"
    assert worth["value"] == pytest.approx(50, abs=0.01)
    assert worth["groups"] == {"fit": 20.0, "engagement": pytest.approx(30, abs=0.01)}
    assert place.ask("GET", "/api/lifecycle/customers/ada").json() == {"stage": "cold", "since": ""}
    assert place.ask("GET", "/api/scores/no/customers/ada").status_code == 404
    assert place.ask("GET", "/api/scores/lead/customers/nobody").status_code == 404


@pytest.mark.parametrize(
    ("path", "text", "place_of_it", "what"),
    [
        ("scores/lead", LEAD.replace("30 days", "soon"), "groups.engagement.half_life", "soon"),
        ("scores/lead", LEAD.replace("points: 15", "points: many"), "points[0].points", "number"),
        ("scores/lead", LEAD.replace("event:", "evnet:"), "points[0].evnet", "unknown key"),
        ("scores/lead", LEAD.replace("at_most: 45", "at_most: 0"), "at_most", "above 0"),
        ("scores/other", LEAD, "score", "is 'lead', not 'other'"),
        ("scores/a", "score: a\npoints: [{if: {score: a, above: 1}, points: 1}]", "score a", "→"),
        ("scores/a", "score: a\npoints: [{if: {lifecycle: SQL}, points: 1}]", "", "circle"),
        ("scores/a", "score: a\npoints: [{event: Score Changed, points: 1}]", "score a", "say score"),
        ("lifecycle", "lifecycle: [cold]", "lifecycle", "2 to 30"),
        ("lifecycle", "lifecycle: [a, {b: {if: {trait: x, is: 1}, leave_below: 3}}]", "leave_below", "score"),
        ("lifecycle", "lifecycle: [a, {b: {}}]", "lifecycle[1].b", "needs 'if'"),
        ("lists/x", "list: x\ndescription: [1]", "description", "text"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    place: Place, path: str, text: str, place_of_it: str, what: str
) -> None:
    if what == "circle":
        staged = "lifecycle: [cold, {SQL: {if: {in_segment: warm}}}]"
        assert place.ask("PUT", "/api/lifecycle", json={"text": staged}).status_code == 200
        warm = {"rule": {"score": "a", "at_least": 1}}
        assert place.ask("PUT", "/api/segments/warm", json=warm).status_code == 200
        what = "segment warm → score a → lifecycle → segment warm"
    answer = place.ask("PUT", f"/api/{path}", json={"text": text})
    assert answer.status_code == 422 or answer.status_code == 400, answer.text
    assert place_of_it in str(answer.json()["errors"])
    assert what in answer.json()["detail"] + str(answer.json()["errors"])


def test_a_segment_that_closes_a_circle_is_refused(place: Place) -> None:
    looks = "score: a\npoints: [{if: {in_segment: warm}, points: 1}]"
    assert place.ask("PUT", "/api/scores/a", json={"text": looks}).status_code == 200
    answer = place.ask("PUT", "/api/segments/warm", json={"rule": {"score": "a", "at_least": 1}})
    assert "segment warm → score a → segment warm" in answer.text


def test_a_check_warns_of_what_is_not_there(place: Place) -> None:
    happen(place, "Pricing Viewed")
    found = place.ask("POST", "/api/scores/check", json={"text": LEAD}).json()
    assert found == []
    odd = "score: b\npoints: [{event: Pricing Veiwed, points: 1}, {if: {trait: paln, is: x}, points: 1}]"
    found = place.ask("POST", "/api/scores/check", json={"text": odd}).json()
    assert [one["severity"] for one in found] == ["warning", "warning"]
    assert "did you mean 'Pricing Viewed'?" in found[0]["what"] + found[1]["what"]
    assert "nobody has a trait 'paln'; did you mean 'plan'?" in found[0]["what"] + found[1]["what"]
    found = place.ask("POST", "/api/lifecycle/check", json={"text": LIFECYCLE}).json()
    assert {one["what"] for one in found} >= {"there is no score 'lead'"}
    wrong = place.ask("POST", "/api/scores/check", json={"text": "score: x\npoints: []"}).json()
    assert [(one["severity"], one["place"], one["line"]) for one in wrong] == [("error", "points", 2)]


def test_a_list_is_joined_and_left(place: Place) -> None:
    happen(place, "Pricing Viewed")
    assert place.ask("PUT", "/api/lists/beta", json={"text": "list: beta"}).status_code == 200
    wishes: dict[str, Any] = {"join": ["email:ada@example.org", "ada", "user_id:nobody"]}
    done = place.ask("POST", "/api/lists/beta/customers", json=wishes).json()
    assert done == {"joined": 1, "left": 0, "unknown": ["user_id:nobody"]}
    members = place.ask("GET", "/api/lists/beta/customers").json()
    assert members["count"] == 1
    assert ("List Joined", {"list": "beta"}) in place.told()
    assert place.ask("POST", "/api/lists/beta/customers", json={"leave": ["ada"]}).json()["left"] == 1
    assert place.ask("GET", "/api/lists/beta/customers").json() == {"count": 0, "customers": []}
    assert place.ask("POST", "/api/lists/no/customers", json=wishes).status_code == 404
