"""An explanation tells, instant by instant, what was decided about one customer and what it looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from journey_events import BEGIN as NINE
from journey_events import DAY, HOUR, Event, tape_of

from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message import policy
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.explain import Explanation, explain
from sojourn.tape.build import take
from sojourn.tape.tape import Tape

JOURNEY = """
journey: welcome
enter:
  - {event: Signed Up, where: {source: web}, if: {not: {performed: Banned}}, again: after 30 days}
goal: {event: Order Completed}
leave_if: {performed: Complained}
steps:
  hello: {send: {template: hello, purpose: marketing}}
  pause: {wait: 1 day}
  choice: {branch: [{if: {performed: Logged In, at_least: 2}, then: thanks}], otherwise: listen}
  listen: {wait_for: [{event: Logged In, then: thanks}], at_most: 2 days, otherwise: bye}
  thanks: {set_trait: {happy: true}}
  bye: {leave: done}
"""
ALLOWED: dict[str, Any] = {"consent": {"marketing": "opt_in"}, "quiet": [{"from": "22:00", "to": "08:00"}]}


def one(events: list[Event]) -> Tape:
    """The tape of customer 1 alone."""
    return take(tape_of(events), np.zeros(1, np.int64))


def explained(events: list[Event], until: int = NINE + 40 * DAY, text: str = JOURNEY) -> Explanation:
    catalogue = Catalogue(policy=policy.parse(ALLOWED))
    return explain(Program(read_journey(text)), one(events), catalogue, until)


def told(found: Explanation) -> list[tuple[str, str, str]]:
    return [(one.at[5:16], one.step, one.what) for one in found.happened]


def signed_up(at: int = NINE, source: str = "web") -> Event:
    return Event(1, at, "Signed Up", {"source": source})


CONSENT = Event(1, NINE - DAY, "Consent Given", {"purpose": "marketing"})


def test_a_way_is_told_step_by_step() -> None:
    found = explained([CONSENT, signed_up(), Event(1, NINE + 2 * DAY, "Logged In")])
    assert (found.entered, found.where) == (1, "has left")
    assert told(found) == [
        ("03-01T09:00", "", "“Signed Up”: entered"),
        ("03-01T09:00", "hello", "takes exit “then”, to “pause”"),
        ("03-01T09:00", "pause", "waits until 2026-03-02T09:00:00Z at the latest"),
        ("03-02T09:00", "pause", "takes exit “then”, to “choice”"),
        ("03-02T09:00", "choice", "takes exit “otherwise”, to “listen”"),
        ("03-02T09:00", "listen", "waits until 2026-03-04T09:00:00Z at the latest"),
        ("03-03T09:00", "listen", "takes exit “1”, to “thanks”"),
        ("03-03T09:00", "thanks", "takes exit “then”, to “bye”"),
        ("03-03T09:00", "bye", "leaves: done"),
    ]


def test_each_condition_shows_what_it_looked_at() -> None:
    found = explained([CONSENT, signed_up(), Event(1, NINE + HOUR, "Logged In")], NINE + DAY)
    choice = next(one for one in found.happened if one.step == "choice")
    asked = {str(rule["rule"]): (rule["answer"], rule["inputs"]) for rule in choice.rules}
    assert asked["They did “Logged In” at least 2 times."] == (False, {"times": 1})
    entered = found.happened[0]
    assert [rule["answer"] for rule in entered.rules] == [True]
    parts = entered.rules[0]["parts"]
    assert isinstance(parts, list)
    assert [part["answer"] for part in parts] == [False]
    assert found.where == "on “listen”"


def test_each_gate_of_the_policy_shows_what_it_said() -> None:
    found = explained([signed_up(NINE + 14 * HOUR)], NINE + 15 * HOUR)
    (hello,) = (one for one in found.happened if one.step == "hello")
    stopped = {gate.name: gate.stopped for gate in hello.gates}
    assert stopped["consent"] == "consent: marketing not given"
    assert stopped["quiet hours"] == "quiet hours 22:00 to 08:00"
    assert stopped["erased"] == ""


def test_a_message_held_back_is_told_with_its_hour() -> None:
    found = explained([CONSENT, signed_up(NINE + 14 * HOUR)])
    hello = [(one.at[5:16], one.what) for one in found.happened if one.step == "hello"]
    assert hello == [
        ("03-01T23:00", "waits until 2026-03-02T08:00:00Z at the latest"),
        ("03-02T08:00", "takes exit “then”, to “pause”"),
    ]


def test_why_somebody_was_not_let_in() -> None:
    events = [
        CONSENT,
        Event(1, NINE - 2 * HOUR, "Banned"),
        signed_up(NINE - HOUR),
    ]
    assert told(explained(events)) == [("03-01T08:00", "", "“Signed Up”: did not enter: condition")]
    events = [CONSENT, signed_up(), signed_up(NINE + HOUR), signed_up(NINE + 10 * DAY)]
    entries = [one for one in told(explained(events)) if not one[1]]
    assert entries == [
        ("03-01T09:00", "", "“Signed Up”: entered"),
        ("03-01T10:00", "", "“Signed Up”: did not enter: inside"),
        ("03-11T09:00", "", "“Signed Up”: did not enter: too soon"),
    ]


def test_once_is_once() -> None:
    text = JOURNEY.replace(", again: after 30 days", "")
    found = explained([CONSENT, signed_up(), signed_up(NINE + 10 * DAY)], text=text)
    assert told(found)[-1] == ("03-11T09:00", "", "“Signed Up”: did not enter: entered before")
    text = JOURNEY.replace("again: after 30 days", "again: per cart")
    assert told(explained([signed_up()], text=text)) == [
        ("03-01T09:00", "", "“Signed Up”: did not enter: no key")
    ]


def test_why_nothing_was_ever_decided() -> None:
    assert told(explained([CONSENT])) == [("", "", "“Signed Up”: never happened")]
    found = explained([signed_up(source="shop")])
    assert found.where == "never entered"
    assert told(found) == [
        ("03-01T09:00", "", "“Signed Up”: none of 1 events met the conditions on its properties")
    ]


def test_the_goal_and_the_exit_rule_are_told_with_what_they_saw() -> None:
    goal = explained([CONSENT, signed_up(), Event(1, NINE + HOUR, "Order Completed")]).happened[-1]
    assert (goal.step, goal.what) == ("pause", "leaves: goal")
    assert goal.rules[0]["inputs"] == {"times": 1}
    rule = explained([CONSENT, signed_up(), Event(1, NINE + HOUR, "Complained")]).happened[-1]
    assert (rule.step, rule.what) == ("pause", "leaves: rule")


def test_runs_side_by_side_are_each_told_with_their_own() -> None:
    text = """
journey: carts
enter: [{event: Added, again: per cart}]
steps:
  noon: {wait_until: {time: "12:00"}}
  rich: {branch: [{if: {entry: value, above: 50}, then: yes_}], otherwise: no_}
  yes_: {leave: rich}
  no_: {leave: poor}
"""
    events = [Event(1, NINE, "Added", {"cart": "a", "value": 20})]
    events += [Event(1, NINE + HOUR, "Added", {"cart": "b", "value": 70})]
    found = explained(events, text=text)
    rich = sorted(
        (one.rules[0]["inputs"]["value"], one.rules[0]["answer"], one.what)  # type: ignore[index]
        for one in found.happened
        if one.step == "rich"
    )
    assert rich == [
        (20.0, False, "takes exit “otherwise”, to “no_”"),
        (70.0, True, "takes exit “1”, to “yes_”"),
    ]
    waiting = explained(events, NINE + 2 * HOUR, text)
    assert (waiting.entered, waiting.where) == (2, "on “noon” and “noon”")


def test_a_completed_journey_and_a_holdout_are_told() -> None:
    text = "journey: x\nenter: [{event: Signed Up}]\nsteps: {a: {set_trait: {b: 1}}}"
    assert told(explained([signed_up()], text=text))[-1][2] == "takes exit “then”, the journey is complete"
    text = text.replace("steps", "holdout: 0.999999999\nsteps")
    assert told(explained([signed_up()], text=text))[-1] == ("03-01T09:00", "", "leaves: holdout")
