"""What programs read and change: with keys of the right scope, with errors that name the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from api_place import Place

JOURNEY = """\
journey: welcome
enter:
  - event: Signed Up
  - event: Journey Requested
    where: {journey: welcome}
steps:
  pause: {wait: 2 days}
  hello: {send: {template: welcome, purpose: onboarding}}
"""
TEMPLATE = """\
name: welcome
channel: email
purpose: onboarding
subject: 'Hello {{ customer.name | default: "you" }}'
body: <p>Hello</p><p><a href="{{ links.unsubscribe }}">Unsubscribe</a></p>
"""


@pytest.fixture
def ready(place: Place) -> Place:
    """With the template that the journey sends."""
    assert place.ask("PUT", "/api/templates/welcome", json={"text": TEMPLATE}).status_code == 200
    return place


def publish(place: Place) -> Any:
    return place.ask("POST", "/api/journeys/publish", json={"text": JOURNEY})


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code", "message", "errors"} == set(found)
    assert found["code"] == code
    return found


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/api/journeys", {"reader", "admin"}),
        ("PUT", "/api/journeys/x", {"admin"}),
        ("GET", "/api/customers/x", {"reader", "admin"}),
        ("POST", "/api/metrics/funnel", {"reader", "admin"}),
        ("GET", "/api/keys", {"admin"}),
        ("POST", "/api/imports", {"admin"}),
        ("POST", "/api/journeys/x/start", {"admin"}),
        ("GET", "/metrics", {"reader", "admin"}),
    ],
)
def test_a_key_does_what_its_scope_says(place: Place, method: str, path: str, scopes: set[str]) -> None:
    for key in place.keys:
        answer = place.ask(method, path, key, json={})
        assert (answer.status_code == 403) == (key not in scopes), (key, answer.text)
    problem(place.web.request(method, path, json={}), 401, "unauthenticated")


def test_a_draft_is_saved_against_the_tag_that_was_read(ready: Place) -> None:
    first = ready.ask("PUT", "/api/journeys/welcome", json={"text": JOURNEY})
    tag = first.headers["etag"]
    changed = {"text": JOURNEY.replace("2 days", "3 days")}
    assert (
        ready.ask("PUT", "/api/journeys/welcome", json=changed, headers={"If-Match": tag}).status_code == 200
    )
    late = ready.ask("PUT", "/api/journeys/welcome", json={"text": JOURNEY}, headers={"If-Match": tag})
    problem(late, 409, "conflict")
    assert "3 days" in ready.ask("GET", "/api/journeys/welcome").json()["draft"]


def test_a_mistake_is_named_with_its_place(ready: Place) -> None:
    text = JOURNEY.replace("wait: 2 days", "wait: soon")
    found = problem(ready.ask("PUT", "/api/journeys/welcome", json={"text": text}), 400, "invalid")
    (mistake,) = found["errors"]
    assert mistake["place"].startswith("steps.pause")
    assert mistake["line"] == 7


def test_publishing_makes_versions_for_ever(ready: Place) -> None:
    assert publish(ready).json()["number"] == 1
    assert publish(ready).json()["number"] == 2
    shown = ready.ask("GET", "/api/journeys/welcome", "reader").json()
    assert [version["state"] for version in shown["versions"]] == ["closing", "open"]
    assert shown["state"] == "live"
    assert ready.ask("GET", "/api/journeys/welcome/counts", "reader").json() == []


def test_what_is_wrong_with_a_journey_forbids_publishing(place: Place) -> None:
    found = place.ask("POST", "/api/journeys/check", json={"text": JOURNEY}).json()
    assert [(one["severity"], one["step"]) for one in found if one["severity"] == "error"] == [
        ("error", "hello")
    ]
    problem(publish(place), 400, "invalid")


def test_a_journey_is_started_for_a_customer_once(ready: Place) -> None:
    publish(ready)
    asked = {"userId": "ada", "properties": {"cart": "c1"}}
    for _ in range(2):
        answer = ready.ask(
            "POST", "/api/journeys/welcome/start", json=asked, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 202
    assert ready.told() == [("Journey Requested", {"cart": "c1", "journey": "welcome"})]
    assert ready.logged().origins.tolist() == [4]
    nobody = ready.ask("POST", "/api/journeys/welcome/start", json={})
    problem(nobody, 400, "invalid")
    problem(ready.ask("POST", "/api/journeys/nothing/start", json=asked), 404, "not_found")


def test_a_paused_journey_takes_nobody(ready: Place) -> None:
    publish(ready)
    assert (
        ready.ask("PUT", "/api/journeys/welcome/state", json={"state": "paused"}).json()["state"] == "paused"
    )
    problem(ready.ask("POST", "/api/journeys/welcome/start", json={"userId": "u"}), 409, "conflict")
    problem(ready.ask("PUT", "/api/journeys/welcome/state", json={"state": "odd"}), 400, "invalid")


def test_a_template_says_what_to_look_at(place: Place) -> None:
    text = TEMPLATE.replace("{{ links.unsubscribe }}", "https://example.org")
    saved = place.ask("PUT", "/api/templates/welcome", json={"text": text}).json()
    assert saved["template"]["version"] == 1
    assert "links.unsubscribe" in saved["findings"][0]["what"]
    broken = place.ask("PUT", "/api/templates/welcome", json={"text": TEMPLATE.replace("}}", "}", 1)})
    problem(broken, 400, "invalid")
    odd = place.ask("PUT", "/api/templates/welcome", json={"text": "name: welcome\nbody: a: b\n"})
    assert problem(odd, 400, "invalid")["errors"][0]["line"] == 2


def test_a_segment_is_a_rule_and_a_sentence(place: Place) -> None:
    rule = {"trait": "plan", "is": "pro"}
    saved = place.ask("PUT", "/api/segments/pros", json={"rule": rule}).json()
    assert saved["rule"] == rule
    assert "plan" in saved["sentence"]
    assert [one["name"] for one in place.ask("GET", "/api/segments", "reader").json()] == ["pros"]
    wrong = place.ask("PUT", "/api/segments/pros", json={"rule": {"trait": "plan", "iss": 1}})
    assert problem(wrong, 400, "invalid")["errors"][0]["place"].startswith("rule")
    assert place.ask("DELETE", "/api/segments/pros").status_code == 204
    problem(place.ask("GET", "/api/segments/pros"), 404, "not_found")


def test_the_policy_is_checked_before_it_holds(place: Place) -> None:
    assert (
        place.ask("PUT", "/api/policy", json={"policy": {"consent": {"news": "opt_in"}}}).status_code == 200
    )
    assert place.ask("GET", "/api/policy").json() == {"policy": {"consent": {"news": "opt_in"}}}
    problem(place.ask("PUT", "/api/policy", json={"policy": {"quite": 1}}), 400, "invalid")


def test_a_customer_is_found_by_any_id(place: Place) -> None:
    told = {"userId": "ada", "anonymousId": "a1", "traits": {"email": "Ada@Example.org", "plan": "pro"}}
    place.ask("POST", "/v1/identify", "server", json=told)
    place.ask(
        "POST", "/v1/track", "server", json={"anonymousId": "a1", "event": "Paid", "properties": {"n": 2}}
    )
    for name in ("ada", "a1", "ada@example.org", "email:ADA@example.org", "anonymous_id:a1"):
        found = place.ask("GET", f"/api/customers/{name}", "reader").json()
        assert {one["kind"] for one in found["identities"]} == {"user_id", "anonymous_id", "email"}
        assert found["traits"] == {"email": "Ada@Example.org", "plan": "pro"}
        events = place.ask("GET", f"/api/customers/{name}/events?limit=1", "reader").json()
        assert [(one["name"], one["properties"]) for one in events] == [("Paid", {"n": 2})]
    problem(place.ask("GET", "/api/customers/nobody"), 404, "not_found")


def test_metrics_are_asked_of_all_events(place: Place) -> None:
    for n, name in enumerate(("A", "B", "A")):
        call = {"userId": f"u{n // 2}", "event": name, "messageId": str(n)}
        place.ask("POST", "/v1/track", "server", json=call)
    found = place.ask("POST", "/api/metrics/funnel", "reader", json={"steps": ["A", "B"]}).json()
    assert [(step["name"], step["count"]) for step in found["steps"]] == [("A", 2), ("B", 1)]
    problem(place.ask("POST", "/api/metrics/funnel", json={"steps": ["A", "Z"]}), 400, "invalid")
    problem(place.ask("POST", "/api/metrics/funnel", json={"stepz": []}), 400, "invalid")
    problem(place.ask("POST", "/api/metrics/odd", json={}), 404, "not_found")
    assert set(place.ask("GET", "/api/metrics", "reader").json()) >= {"funnel", "retention", "paths"}


def test_a_draft_is_backtested_and_a_customer_explained(ready: Place) -> None:
    ready.ask("POST", "/v1/track", "server", json={"userId": "ada", "event": "Signed Up"})
    found = ready.ask("POST", "/api/backtests", "reader", json={"text": JOURNEY}).json()
    assert (found["entered"], [step["id"] for step in found["steps"]]) == (1, ["pause", "hello"])
    publish(ready)
    why = ready.ask("GET", "/api/backtests/welcome/ada", "reader").json()
    assert why["entered"] == 1
    problem(ready.ask("GET", "/api/backtests/welcome/nobody"), 404, "not_found")
    problem(ready.ask("GET", "/api/backtests/nothing/ada"), 404, "not_found")


def test_a_file_is_imported_by_whoever_serves(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("who,what\nada,Paid\nbob,Paid\n")
    wanted = {"path": str(path), "mapping": {"customer": "who", "name": "what"}}
    assert place.ask("POST", "/api/imports", json=wanted).json()["events"] == 2
    assert place.ask("POST", "/api/imports", json=wanted).json()["resumed"] == 2
    assert [one["done"] for one in place.ask("GET", "/api/imports").json()] == [2]
    problem(place.ask("POST", "/api/imports", json=wanted | {"path": "/nowhere.csv"}), 404, "not_found")


def test_what_lies_in_quarantine_is_taken_after_all(place: Place) -> None:
    call = {"type": "track", "userId": "ada"}
    place.ask("POST", "/v1/batch", "server", json={"batch": [call]})
    (kept,) = place.ask("GET", "/api/quarantine", "reader").json()
    again = place.ask("POST", f"/api/quarantine/{kept['id']}/replay", json={})
    assert problem(again, 400, "invalid")["errors"][0]["place"] == "event"
    mended = {"call": call | {"event": "Paid"}}
    assert place.ask("POST", f"/api/quarantine/{kept['id']}/replay", json=mended).status_code == 200
    assert place.told() == [("Paid", {})]
    assert place.ask("GET", "/api/quarantine", "reader").json() == []
    problem(place.ask("POST", f"/api/quarantine/{kept['id']}/replay", json=mended), 404, "not_found")


def test_a_key_is_shown_once_and_can_be_ended(place: Place) -> None:
    made = place.ask("POST", "/api/keys", json={"name": "shop", "scopes": ["track:server"]}).json()
    place.keys["new"] = made["secret"]
    call = {"userId": "u", "event": "E"}
    assert place.ask("POST", "/v1/track", "new", json=call).status_code == 200
    assert made["secret"] not in place.ask("GET", "/api/keys").text
    assert place.ask("DELETE", f"/api/keys/{made['key']['id']}").json()["revoked"] > 0
    place.parts.authority._known.clear()  # as after some seconds
    assert place.ask("POST", "/v1/track", "new", json=call).status_code == 401
    problem(place.ask("POST", "/api/keys", json={"name": "x", "scopes": ["everything"]}), 400, "invalid")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("PATCH", "/api/journeys", {}, 405),
        ("PUT", "/api/segments/x", {"content": b"{"}, 400),
        ("PUT", "/api/segments/x", {"json": {"wrong": 1}}, 400),
        ("GET", "/api/customers/x/events?limit=0", {}, 400),
        ("GET", "/api/customers/x/events?limit=many", {}, 400),
        ("PUT", "/api/journeys/x", {"json": {"text": "x"}, "headers": {"If-Match": "odd"}}, 400),
    ],
)
def test_every_error_is_a_problem(
    place: Place, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    answer = place.ask(method, path, **options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["message"]


def test_our_own_faults_tell_nobody_anything(place: Place) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret path /etc/x, SELECT * FROM keys")

    place.parts.history.tape = broken  # type: ignore[method-assign, assignment]
    place.ask("POST", "/v1/track", "server", json={"userId": "u", "event": "E"})
    found = problem(place.ask("GET", "/api/customers/u"), 500, "internal_server_error")
    assert "secret" not in str(found)


def test_health_is_public_and_figures_are_not(place: Place) -> None:
    assert place.web.get("/healthz").json() == {"status": "ok"}
    assert place.web.get("/metrics").status_code == 401
    assert "sojourn_intake_backlog_events 0" in place.ask("GET", "/metrics", "reader").text


def test_the_application_describes_itself(place: Place) -> None:
    described = place.web.get("/schema/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert {"/v1/{call}", "/api/journeys", "/api/customers/{name}", "/feedback/mail"} <= set(
        described["paths"]
    )
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))


def test_versions_are_compared_and_restored(ready: Place) -> None:
    publish(ready)
    changed = JOURNEY.replace("2 days", "3 days")
    assert changed != JOURNEY
    ready.ask("POST", "/api/journeys/publish", json={"text": changed})
    (change,) = ready.ask("GET", "/api/journeys/welcome/diff?before=1&after=2", "reader").json()
    assert (change["what"], change["step"], change["after"]) == ("setting", "pause", "3 days")
    assert ready.ask("POST", "/api/journeys/welcome/restore", json={"version": 1}).json()["draft"] == JOURNEY
    assert len(ready.ask("GET", "/api/journeys/welcome/diff?before=2", "reader").json()) == 1
    problem(ready.ask("POST", "/api/journeys/welcome/restore", json={"version": 9}), 404, "not_found")


def test_what_would_become_of_those_inside_is_foretold(ready: Place) -> None:
    publish(ready)
    wanted = {"text": JOURNEY, "inside": "follow"}
    assert ready.ask("POST", "/api/journeys/preview", "admin", json=wanted).json() == []
    problem(ready.ask("POST", "/api/journeys/preview", json=wanted | {"inside": "odd"}), 400, "bad_request")
