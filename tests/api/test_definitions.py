"""Definitions as texts over HTTP: read, planned and published together, never over another's change."""

from __future__ import annotations

from typing import Any

import pytest
from api_place import Place

HELLO = "name: hello\nsubject: Hello\ntext: Hello\n"
PROS = "segment: pros\nrule: {trait: plan, is: pro}   # who pays\n"
LEAD = "score: lead\npoints: [{if: {trait: plan, is: pro}, points: 10}]\n"
JOURNEY = """\
journey: welcome
enter: [{event: Signed Up}]
steps:
  choice: {branch: [{if: {in_segment: pros}, then: hello}], otherwise: bye}
  hello: {send: {template: hello, purpose: onboarding}}
  bye: {wait: 900 days}
"""
ALL = {"hello.yaml": HELLO, "pros.yaml": PROS, "welcome.yaml": JOURNEY}


def body(files: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"files": [{"path": path, "text": text} for path, text in files.items()], **more}


def publish(place: Place, files: dict[str, str], tag: str = "*", **more: Any) -> Any:
    return place.ask("PATCH", "/api/definitions", json=body(files, **more), headers={"If-Match": tag})


def plan(place: Place, files: dict[str, str], **more: Any) -> Any:
    answer = place.ask("POST", "/api/definitions/plan", "reader", json=body(files, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def ready(place: Place) -> Place:
    """An installation with a journey that two people would have entered."""
    for who, traits in (("ada", {"plan": "pro"}), ("bob", {"plan": "free"})):
        place.ask("POST", "/v1/identify", "server", json={"userId": who, "traits": traits})
        place.ask("POST", "/v1/track", "server", json={"userId": who, "event": "Signed Up"})
    assert publish(place, ALL).status_code == 200
    return place


def test_texts_come_back_as_they_were_written(ready: Place) -> None:
    found = ready.ask("GET", "/api/definitions", "reader").json()
    texts = {(one["kind"], one["name"]): (one["folder"], one["text"]) for one in found["definitions"]}
    assert texts == {
        ("segment", "pros"): ("segments", PROS),
        ("template", "hello"): ("templates", HELLO),
        ("journey", "welcome"): ("journeys", JOURNEY),
    }
    assert found["drafts"] == []


def test_two_people_never_overwrite_each_other(ready: Place) -> None:
    read = ready.ask("GET", "/api/definitions").headers["ETag"]
    assert publish(ready, {"a": PROS.replace("pro}", "max}")}, read).status_code == 200
    late = publish(ready, {"a": PROS.replace("pro}", "free}")}, read)
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert "max}" in ready.ask("GET", "/api/definitions").text
    assert ready.ask("GET", "/api/definitions").headers["ETag"] != read


def test_a_plan_keeps_nothing_and_says_what_would_be(ready: Place) -> None:
    before = ready.ask("GET", "/api/definitions")
    changed = {**ALL, "welcome.yaml": JOURNEY.replace("900 days", "1 day"), "new.yaml": LEAD}
    made = plan(ready, changed)
    assert [(one["kind"], one["what"]) for one in made["definitions"]] == [
        ("score", "new"),
        ("journey", "changed"),
    ]
    (change,) = made["definitions"][1]["changes"]
    assert (change["what"], change["step"], change["place"], change["after"]) == (
        *("setting", "bye", "wait"),
        "1 day",
    )
    assert made["definitions"][1]["inside"] == {"runs": 0, "on_changed": {}}
    after = ready.ask("GET", "/api/definitions")
    assert (after.text, after.headers["ETag"]) == (before.text, before.headers["ETag"])
    assert plan(ready, ALL)["definitions"] == []


def test_a_plan_names_the_journeys_for_which_something_else_changes(ready: Place) -> None:
    made = plan(ready, {"pros.yaml": PROS.replace("is: pro", "exists: true")})
    (affected,) = made["affected"]
    assert affected["journey"] == "welcome"
    assert (affected["before"]["steps"]["hello"], affected["after"]["steps"]["hello"]) == (1, 2)
    assert plan(ready, {"pros.yaml": PROS.replace("# who", "# all who")})["affected"] == []
    assert made["others"] == ["template hello", "journey welcome"]


def test_nothing_is_published_of_what_is_wrong_in_part(ready: Place) -> None:
    wrong = {"a.yaml": LEAD, "b.yaml": PROS.replace("trait: plan, is: pro", "in_segment: pros")}
    answer = publish(ready, wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == "b.yaml"
    assert "score" not in ready.ask("GET", "/api/definitions").text
    assert publish(ready, {}, gone=[{"kind": "segment", "name": "pros"}]).status_code == 400
    assert (
        publish(ready, {"l": LEAD, "h": "segment: hot\nrule: {score: lead, above: 5}\n"}).status_code == 200
    )
    needed = publish(ready, {}, gone=[{"kind": "score", "name": "lead"}]).json()
    assert "is still needed: there is no score 'lead'" in needed["message"]
    assert publish(ready, {}, gone=[{"kind": "segment", "name": "none"}]).status_code == 404
    assert ready.ask("PATCH", "/api/definitions", "reader", json=body(ALL)).status_code == 403


def test_what_a_program_wrote_is_told_as_a_text(ready: Place) -> None:
    ready.ask("PUT", "/api/segments/pros", json={"rule": {"trait": "plan", "is": "max"}})
    ready.ask("PUT", "/api/policy", json={"policy": {"consent": {"news": "opt_in"}}})
    found = ready.ask("GET", "/api/definitions").json()["definitions"]
    texts = {one["kind"]: one["text"] for one in found}
    assert texts["segment"] == "segment: pros\nrule: {trait: plan, is: max}\n"
    assert texts["policy"] == "policy:\n  consent: {news: opt_in}\n"
    assert plan(ready, {str(n): one["text"] for n, one in enumerate(found)})["definitions"] == []


def test_a_program_changes_a_definition_within_its_text(place: Place) -> None:
    text = JOURNEY.replace("900 days}", "900 days}   # for ever, nearly")
    data = {
        "journey": "welcome",
        "enter": [{"event": "Signed Up"}],
        "steps": {
            "choice": {"branch": [{"if": {"in_segment": "pros"}, "then": "hello"}], "otherwise": "bye"},
            "hello": {"send": {"template": "hello", "purpose": "onboarding"}},
            "bye": {"wait": "1 day"},
        },
        "canvas": {"hello": [0, 120]},
    }
    made = place.ask("POST", "/api/definitions/edit", "reader", json={"text": text, "data": data}).json()
    assert made["text"] == text.replace("900 days", "1 day") + "canvas:\n  hello: [0, 120]\n"
    changed = {"text": PROS, "data": {"segment": "pros", "rule": {"trait": "plan", "is": "max"}}}
    made = place.ask("POST", "/api/definitions/edit", "reader", json=changed).json()
    assert made["text"] == PROS.replace("is: pro", "is: max")
    wrong = {"text": JOURNEY, "data": {"journey": "x"}}
    assert place.ask("POST", "/api/definitions/edit", "reader", json=wrong).status_code == 400
