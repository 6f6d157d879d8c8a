"""Draws the journeys of a simulation: steps of every kind that is declared, which lead onwards.

A kind that is not in DRAWN plays along by the example that it declares, with names that exist here
in place of its own: a new kind of step is simulated from the day on which it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from random import Random
from typing import Any

from ruamel.yaml import YAML

from sojourn.journey.check import ERROR, check
from sojourn.journey.text import journey_of, kinds

SCORE, STAGE = "heat", "hot"
"""The score and the stage that rules ask for; not every installation has them."""

_CROSSINGS: tuple[dict[str, object], ...] = (
    {"event": "Score Changed", "where": {"score": SCORE, "threshold": 20, "rising": True}},
    {"event": "Score Changed", "where": {"score": SCORE, "threshold": 10, "rising": False}},
    {"event": "Lifecycle Changed", "where": {"to": STAGE}},
)

EVENTS = ("Signed Up", "Logged In", "Added", "Order Completed", "Noise")
PURPOSES = ("marketing", "transactional")

_SPANS = ("90 minutes", "12 hours", "1 day", "36 hours", "3 days")
_AGAIN = ("never", "after leaving", "after 2 days", "per cart after leaving", "parallel")
_OFTEN = ("send", "wait_for")
"""Kinds of which there are twice as many as of others: most that can go wrong goes wrong there."""

TOGETHER = frozenset({"throttle"})
"""Kinds that let some customers wait for others, so that no play of all history at once can be equal."""

STEP_ID = "#/$defs/step_id"
"""How the schema of a key says that it names the step to go to."""

Json = dict[str, object]


@dataclass(frozen=True)
class Around:
    """What there is to draw a journey with: kinds of steps, templates, and the journeys that come later."""

    kinds: tuple[str, ...]
    templates: tuple[str, ...]
    later: tuple[str, ...] = ()


class Drawing:
    """One journey while it is drawn: its steps lead onwards, and back only from a wait for an event."""

    def __init__(self, dice: Random, name: str, around: Around) -> None:
        self.dice, self.templates, self._around = dice, around.templates, around
        self.ids = [f"s{number}" for number in range(dice.randint(2, 7))]
        self.sends: list[str] = []
        self.nudged = name != "journey 0" and dice.random() < 0.3  # by others: itself it nudges nobody then
        self._name = name

    def journey(self) -> Json:
        """The whole of it, as plain data; one that could not be published is drawn again."""
        while True:
            self.sends.clear()
            drawn = self._drawn()
            if all(found.severity != ERROR for found in check(journey_of(drawn))):
                return drawn

    def onwards(self, number: int) -> str:
        """A step that comes after the one with this number."""
        return self.dice.choice([*self.ids[number + 1 :], "bye"])

    def event(self) -> str:
        """The name of something that customers do."""
        return self.dice.choice(EVENTS)

    def template(self) -> str:
        """The name of a template."""
        return self.dice.choice(self.templates)

    def sent(self) -> str:
        """A step that sends and comes before."""
        return self.dice.choice(self.sends)

    def other(self) -> str:
        """The name of a journey that does not lead back to this one; perhaps there is none of that name."""
        return self.dice.choice([*self._around.later, "nobody's"])

    def span(self) -> str:
        """A span of time."""
        return self.dice.choice(_SPANS)

    def rule(self) -> Json:
        """A condition."""
        dear = {"performed": "Added", "where": {"value": {"above": 5}}}
        found: list[Json] = [
            {"performed": self.event(), "within": "2 days"},
            {"performed": self.event(), "at_least": 2},
            {"trait": "plan", "is": "paid"},
            {"not": {"performed": self.event(), "within": "12 hours"}},
            {"any": [{"trait": "plan", "exists": False}, dear]},
            {"score": SCORE, "at_least": self.dice.choice([5, 20])},
            {"lifecycle": STAGE},
        ]
        if self.sends:
            found.append({"clicked": self.sent()})
        return self.dice.choice(found)

    def _drawn(self) -> Json:
        asked: list[Json] = [{"api": True, "again": self.dice.choice(_AGAIN)}]
        drawn: Json = {"journey": self._name, "enter": [self._trigger(), *asked * self.dice.randint(0, 1)]}
        if self.dice.random() < 0.3:
            drawn["goal"] = {"event": "Order Completed", "within": "20 days"}
        if self.dice.random() < 0.3:
            drawn["leave_if"] = {"performed": "Logged In", "at_least": 3, "within": "2 days"}
        if self.dice.random() < 0.2:
            drawn["holdout"] = "20%"
        steps: Json = {name: self._step(number, name) for number, name in enumerate(self.ids)}
        return drawn | {"steps": steps | {"bye": {"leave": "done"}}}

    def _trigger(self) -> Json:
        if not self.nudged and self.dice.random() < 0.15:
            return {**self.dice.choice(_CROSSINGS), "again": self.dice.choice(_AGAIN)}
        event = "Nudged" if self.nudged else self.event()
        drawn: Json = {"event": event, "again": self.dice.choice(_AGAIN)}
        if self.dice.random() < 0.3:
            drawn["where"] = {"value": {"above": 3}}
        if self.dice.random() < 0.2:
            drawn["if"] = self.rule()
        return drawn

    def _step(self, number: int, name: str) -> Json:
        kind = self.dice.choice([*self._around.kinds, *_OFTEN]) if number else "send"  # for one to click
        draw = DRAWN.get(kind) or partial(by_example, kind)
        drawn = draw(self, number)
        if "send" in drawn:
            self.sends.append(name)
        return drawn


def by_example(kind: str, drawing: Drawing, number: int) -> Json:
    """A step as its kind's own example shows it, which leads onwards and speaks of what there is here."""
    exits = [key for key, schema in kinds()[kind].beside.items() if schema.get("$ref") == STEP_ID]
    ours: dict[str, Callable[[], object]] = {
        **dict.fromkeys(("then", *exits), lambda: drawing.onwards(number)),
        **dict.fromkeys(("sent", "delivered", "opened", "clicked", "bounced"), drawing.sent),
        **dict.fromkeys(("start_journey", "sub_journey", "end_journey"), drawing.other),
        **dict.fromkeys(("template", "announce"), drawing.template),
        **dict.fromkeys(("event", "performed"), drawing.event),
        "back_to": lambda: drawing.dice.choice(drawing.ids[:number]),
        "of": lambda: drawing.dice.sample(drawing.templates, 3),
        "purpose": lambda: drawing.dice.choice(PURPOSES),
        "score": lambda: SCORE,
        "webhook": lambda: "by webhook",
    }

    def renamed(value: Any) -> Any:
        match value:
            case dict():
                return {key: ours[key]() if key in ours else renamed(inner) for key, inner in value.items()}
            case list():
                return [renamed(inner) for inner in value]
        return value

    found: Json = renamed(_example(kind))
    return found


@cache
def _example(kind: str) -> Json:
    (step,) = YAML(typ="safe").load(kinds()[kind].example).values()
    return dict(step)


def _send(drawing: Drawing, number: int) -> Json:
    send: Json = {
        "template": drawing.template(),
        "purpose": drawing.dice.choice(PURPOSES),
        "go_on": drawing.dice.random() < 0.3,
    }
    return {"send": send, "then": drawing.onwards(number)}


def _wait(drawing: Drawing, number: int) -> Json:
    return {"wait": drawing.span(), "then": drawing.onwards(number)}


def _wait_until(drawing: Drawing, number: int) -> Json:
    time = drawing.dice.choice(["02:30", "09:00"])  # clocks go forward between 2 and 3
    weekdays = drawing.dice.choice([[], ["monday", "thursday"]])
    return {"wait_until": {"time": time, "weekdays": weekdays}, "then": drawing.onwards(number)}


def _wait_for(drawing: Drawing, number: int) -> Json:
    dice = drawing.dice
    ways: list[Json] = [{"event": drawing.event(), "then": dice.choice([*drawing.ids, "bye"])}]
    if dice.random() < 0.6:
        ways.append({"clicked": drawing.sent(), "then": drawing.onwards(number)})
    if dice.random() < 0.4:
        ways.append({"if": drawing.rule(), "then": drawing.onwards(number)})
    return {"wait_for": ways, "at_most": drawing.span(), "otherwise": drawing.onwards(number)}


def _branch(drawing: Drawing, number: int) -> Json:
    times = drawing.dice.randint(1, 2)
    ways = [{"if": drawing.rule(), "then": drawing.onwards(number)} for _ in range(times)]
    return {"branch": ways, "otherwise": drawing.onwards(number)}


def _split(drawing: Drawing, number: int) -> Json:
    arms = (("a", 1), ("b", 2))
    return {"split": [{"name": arm, "weight": n, "then": drawing.onwards(number)} for arm, n in arms]}


def _set_trait(drawing: Drawing, number: int) -> Json:
    plan = drawing.dice.choice(["paid", "free"])
    return {"set_trait": {"plan": plan}, "then": drawing.onwards(number)}


def _emit_event(drawing: Drawing, number: int) -> Json:
    name = "Shouted" if drawing.nudged else "Nudged"
    return {"emit_event": {"name": name, "properties": {"cart": "c1"}}, "then": drawing.onwards(number)}


def _leave(drawing: Drawing, number: int) -> Json:
    return {"leave": drawing.dice.choice(["done", "lost"])}


DRAWN: Mapping[str, Callable[[Drawing, int], Json]] = {
    "branch": _branch,
    "emit_event": _emit_event,
    "leave": _leave,
    "send": _send,
    "set_trait": _set_trait,
    "split": _split,
    "wait": _wait,
    "wait_for": _wait_for,
    "wait_until": _wait_until,
}
"""How steps get settings that vary, by kind."""
