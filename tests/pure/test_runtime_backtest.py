"""A backtest says what a draft would have done, and what it had to assume for that."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from journey_events import BEGIN, CUSTOMERS, DAY, HOUR, Event, tape_of
from journey_plays import END, FEW, Case, cases, nobody
from msgspec.structs import replace

from sojourn.journey.definition import Journey
from sojourn.journey.play import Playing, play
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.journey.world import World
from sojourn.message.policy import Policy
from sojourn.message.template import Template
from sojourn.runtime import backtest as backtesting
from sojourn.runtime.assumed import FIGURES
from sojourn.runtime.backtest import Answer, Question, backtest
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import Tape

WELCOME = """
journey: welcome
enter: [{event: Signed Up, again: after leaving}]
steps:
  hello: {send: {template: welcome, purpose: onboarding}}
  pause: {wait: 1 day}
  choice: {branch: [{if: {clicked: hello}, then: offer}], otherwise: nudge}
  offer: {send: {template: offer, purpose: marketing}, then: bye}
  nudge: {wait_for: [{opened: hello, since: entry, then: offer}], at_most: 2 days}
  bye: {leave: done}
"""


def signed_up() -> list[Event]:
    return [Event(customer, BEGIN + customer * HOUR, "Signed Up") for customer in range(1, CUSTOMERS + 1)]


def mailed(template: str, n: int, opened: int, clicked: int, machine: bool = False) -> list[Event]:
    """What became of n messages of an earlier journey."""
    found = []
    for number in range(n):
        told = {"template": template, "journey": "older", "step": "mail"}
        run, at = 10**6 + hash_text(template) % 10**6 + number, BEGIN - 90 * DAY + number * HOUR
        found.append(Event(number + 1, at, "Email Sent", told, run))
        for many, name in ((opened, "Email Opened"), (clicked, "Email Link Clicked")):
            if number < many:
                found.append(Event(number + 1, at + HOUR, name, {**told, "machine": machine}, run))
    return found


CATALOGUE = Catalogue(
    templates={"welcome": Template(name="welcome"), "offer": Template(name="offer")},
    policy=Policy(otherwise="none"),
)
QUESTION = Question(until=BEGIN + 60 * DAY)


def answered(history: Tape, journey: str = WELCOME, question: Question = QUESTION) -> Answer:
    return backtest(read_journey(journey), history, CATALOGUE, question)


def edges(answer: Answer | Any) -> dict[tuple[str, str], int]:
    return {(edge.source, edge.exit): edge.count for edge in answer.edges}


def rate(answer: Answer, what: str) -> tuple[float, str, int]:
    (found,) = [one for one in answer.assumed if one.template == "welcome" and one.what == what]
    return found.rate, found.source, found.n


def conserved(answer: Answer) -> None:
    """Whoever entered waits or has left, on every step and in all."""
    assert answer.entered == answer.waiting + sum(answer.left.values())
    ends = [(answer.steps, answer.edges)]
    ends += [(end.steps, end.edges) for end in (answer.low, answer.high) if end]
    for steps, taken in ends:
        for number, step in enumerate(steps):
            out = sum(edge.count for edge in taken if edge.source == step.id)
            came = sum(edge.count for edge in taken if edge.target == step.id)
            held_out = answer.left.get("holdout", 0)
            assert step.visits == step.waiting + out + sum(step.left.values()), step
            assert step.visits == came + (answer.entered - held_out if number == 0 else 0), step


def test_a_rate_is_the_templates_own() -> None:
    answer = answered(tape_of([*signed_up(), *mailed("welcome", 100, 60, 20), *mailed("other", 200, 2, 1)]))
    assert rate(answer, "clicked") == (0.2, "template", 100)
    assert rate(answer, "opened") == (0.6, "template", 100)
    assert answer.entered == CUSTOMERS
    assert abs(edges(answer)["choice", "1"] - 0.2 * CUSTOMERS) < 4 * np.sqrt(CUSTOMERS * 0.16)
    conserved(answer)


def test_else_the_channels() -> None:
    answer = answered(tape_of([*signed_up(), *mailed("welcome", 29, 29, 29), *mailed("other", 71, 31, 21)]))
    assert rate(answer, "clicked") == (0.5, "channel", 100), "of 29 messages no rate is told"
    assert rate(answer, "opened") == (0.6, "channel", 100)


def test_else_what_is_given_else_a_default() -> None:
    history = tape_of([*signed_up(), *mailed("other", 29, 29, 29)])
    answer = answered(history, question=Question(until=QUESTION.until, figures={"clicked": 0.75}))
    assert rate(answer, "clicked") == (0.75, "given", 0)
    assert rate(answer, "opened") == (FIGURES["opened"], "default", 0)
    assert abs(edges(answer)["choice", "1"] - 0.75 * CUSTOMERS) < 4 * np.sqrt(CUSTOMERS * 0.19)


def test_what_machines_did_tells_no_rate() -> None:
    history = tape_of([*signed_up(), *mailed("welcome", 100, 100, 100, machine=True)])
    assert rate(answered(history), "clicked") == (0.0, "template", 100)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.4, 1.0])
def test_the_ends_are_nobody_and_everybody(share: float) -> None:
    question = Question(until=QUESTION.until, figures={"clicked": share})
    answer = answered(tape_of(signed_up()), question=question)
    assert answer.low and answer.high
    low, assumed, high = (edges(one)["choice", "1"] for one in (answer.low, answer, answer.high))
    assert 0 == low <= assumed <= high == CUSTOMERS
    conserved(answer)


def test_who_clicks_has_opened() -> None:
    both = "{if: {clicked: hello}, then: bye}, {if: {opened: hello}, then: offer}"
    text = WELCOME.replace("{if: {clicked: hello}, then: offer}", both)
    figures = {"clicked": 0.3, "opened": 0.5}
    found = edges(answered(tape_of(signed_up()), text, Question(until=QUESTION.until, figures=figures)))
    alone = edges(answered(tape_of(signed_up()), question=Question(until=QUESTION.until, figures=figures)))
    assert found["choice", "1"] == alone["choice", "1"]
    assert abs(found["choice", "2"] - 0.2 * CUSTOMERS) < 4 * np.sqrt(CUSTOMERS * 0.16)


def test_where_no_response_matters_nothing_is_assumed() -> None:
    text = "journey: x\nenter: [{event: Signed Up}]\nsteps: {a: {send: welcome}, b: {wait: 1 day}}"
    answer = answered(tape_of(signed_up()), text)
    assert (answer.assumed, answer.low, answer.high) == ((), None, None)
    assert answer.steps[0].planned == CUSTOMERS
    conserved(answer)


def lived(journey: Journey, history: Tape) -> list[tuple[int, int, int, str]]:
    """The messages that the journey really sent: customer, run, instant, step."""
    program = Program(journey)
    world = World(tape=history, kept=True, resolve=CATALOGUE.resolve)
    none = np.zeros(len(history.customers), np.int64)
    play([Playing((program,), world, none, QUESTION.until, nobody())], world, QUESTION.until)
    return [
        (int(history.customers[row]), int(run), int(at), str(marks.properties["step"]))
        for marks, received in world.told
        if marks.name == "Message Planned"
        for row, run, at in zip(marks.rows, marks.runs, received, strict=True)
    ]


def test_responses_that_history_holds_are_used_as_they_are() -> None:
    journey = read_journey(WELCOME)
    sent = [one for one in lived(journey, tape_of(signed_up())) if one[3] == "hello"]
    assert len(sent) == CUSTOMERS
    events = signed_up()
    for customer, run, at, step in sent[:300]:
        told = {"journey": "welcome", "step": step, "template": "welcome"}
        events.append(Event(customer, at + 64, "Email Sent", told, run))
        if customer % 10 == 0:
            events.append(Event(customer, at + HOUR, "Email Link Clicked", told, run))
    figures = Question(until=QUESTION.until, figures={"clicked": 1.0})
    answer = answered(tape_of(events), question=figures)
    assert rate(answer, "clicked") == (0.1, "template", 300)
    assert edges(answer.low)["choice", "1"] == 30, "those who did, and none of whom nothing is told"
    assert edges(answer.high)["choice", "1"] == 130
    assert 30 <= edges(answer)["choice", "1"] <= 60
    # A step that history knows nothing of is assumed, be it of a run that history knows.
    longer = WELCOME.replace("nudge: {wait_for", "second: {send: welcome}\n  nudge: {wait_for").replace(
        "otherwise: nudge", "otherwise: second"
    )
    longer = longer.replace("{opened: hello, since", "{clicked: second, since")
    assert edges(answered(tape_of(events), longer).high)["nudge", "1"] == 270


def test_what_the_journey_did_before_is_left_out() -> None:
    events = signed_up()
    plain = answered(tape_of(events))
    for customer, run, at, step in lived(read_journey(WELCOME), tape_of(events)):
        told = {"journey": "welcome", "step": step, "template": "welcome", "channel": "email"}
        events.append(Event(customer, at, "Message Planned", told, run))
        events.append(Event(customer, at + 64, "Journey Entered", {"journey": "welcome"}, run))
    again = answered(tape_of(events))
    assert (again.steps, again.edges) == (plain.steps, plain.edges)


def test_entries_are_counted_in_their_time_and_refusals_by_reason() -> None:
    events = [*signed_up(), *(Event(customer, BEGIN + 30 * DAY, "Signed Up") for customer in range(1, 101))]
    question = Question(since=BEGIN + 200 * HOUR, until=BEGIN + 30 * DAY + HOUR, figures={"clicked": 0.0})
    answer = answered(tape_of(events), question=question)
    assert answer.entered == 200 + 100
    once = answered(tape_of(events), WELCOME.replace(", again: after leaving", ""))
    assert once.refused == {"entered before": 100}
    conserved(answer)


def test_policy_refuses_and_holds_as_it_does_live() -> None:
    strict = dataclasses.replace(CATALOGUE, policy=Policy(otherwise="opt_in"))
    answer = backtest(read_journey(WELCOME), tape_of(signed_up()), strict, QUESTION)
    hello = answer.steps[0]
    assert (hello.planned, hello.suppressed) == (0, {"consent: onboarding not given": CUSTOMERS})
    conserved(answer)


def test_cutting_the_customers_into_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    history = tape_of([*signed_up(), *mailed("welcome", 100, 60, 20)])
    whole = answered(history)
    monkeypatch.setattr(backtesting, "CUSTOMERS_AT_ONCE", 37)
    parts = answered(tape_of([*signed_up(), *mailed("welcome", 100, 60, 20)]))
    assert replace(parts, ms=0, assumed=()) == replace(whole, ms=0, assumed=())


@given(cases())
@FEW
def test_the_numbers_of_any_draft_are_conserved(case: Case) -> None:
    answer = backtest(case.journey, case.tape(), case.catalogue, Question(until=END))
    conserved(answer)
    again = backtest(case.journey, case.tape(), case.catalogue, Question(until=END))
    assert (answer.steps, answer.edges, answer.refused) == (again.steps, again.edges, again.refused)
