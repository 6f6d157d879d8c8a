"""Tasks that journeys ask for: listed for the team, done through the API, and runs that go on then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from api_place import URL, Place

from sojourn.runtime.upkeep.reminders import remind
from sojourn.tape.hashing import hash_text

JOURNEY = """
journey: handover
enter: [{event: Demo Wanted}]
steps:
  whose: {assign_owner: anna}
  soon:  {wait: 1 seconds}
  call:
    create_task: {title: Call them, within: %s, wait: true}
    then: glad
    otherwise: late
  glad:  {emit_event: Was Called}
  bye:   {leave: called}
  late:  {leave: nobody called}
"""


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not come")


def _begin(place: Place, text: str) -> None:
    assert place.ask("POST", "/api/journeys/publish", json={"text": text}).status_code == 200
    place.ask("POST", "/v1/track", "server", json={"userId": "ada", "event": "Demo Wanted"})


def _names(place: Place) -> list[str]:
    return [name for name, _ in place.told()]


def test_a_run_waits_for_its_task_and_goes_on_when_it_is_done(place: Place) -> None:
    with place.app.working(URL):
        _begin(place, JOURNEY % "2 hours")
        (task,) = until(lambda: place.ask("GET", "/api/tasks?owner=anna", "reader").json())
        assert (task["title"], task["journey"], task["step"]) == ("Call them", "handover", "call")
        assert "Was Called" not in _names(place)
        done = place.ask("POST", f"/api/tasks/{task['id']}/done", json={"outcome": "wants a quote"})
        assert (done.status_code, done.json()["outcome"]) == (200, "wants a quote")
        until(lambda: "Was Called" in _names(place))
        assert place.ask("GET", "/api/tasks", "reader").json() == []
        assert [one["id"] for one in place.ask("GET", "/api/tasks?done=true").json()] == [task["id"]]
        assert place.ask("POST", f"/api/tasks/{task['id']}/done", json={}).status_code == 409
    told = dict(place.told())["Task Completed"]
    assert (told["task"], told["outcome"]) == (task["id"], "wants a quote")


def test_a_run_goes_otherwise_when_its_task_is_overdue(place: Place) -> None:
    with place.app.working(URL):
        _begin(place, JOURNEY % "1 seconds")
        until(lambda: "Journey Left" in _names(place))
    told = place.told()
    assert dict(told)["Journey Left"]["reason"] == "nobody called"
    assert [name for name, _ in told].count("Task Overdue") == 1


def test_a_task_that_nobody_waits_for_is_told_to_be_overdue_once(place: Place) -> None:
    alone = JOURNEY.replace(", wait: true", ", role: sales").replace("    otherwise: late\n", "")
    alone = alone.replace("  late:  {leave: nobody called}\n", "")
    with place.app.working(URL):
        _begin(place, alone % "1 seconds")
        until(lambda: "Journey Left" in _names(place))
    database, names = place.app.database, place.app.names
    later = database.now() + 10_000_000
    assert [database.write(lambda c: remind(c, names, later)) for _ in range(2)] == [1, 0]
    (task,) = place.ask("GET", "/api/tasks?role=sales").json()
    assert dict(place.told())["Task Overdue"]["task"] == task["id"]


def test_what_is_no_task_is_said(place: Place) -> None:
    assert place.ask("POST", "/api/tasks/nothing/done", json={}).status_code == 404
    assert place.ask("POST", f"/api/tasks/{hash_text('x'):016x}/done", json={}).status_code == 404
