"""The plot of a simulation: random journeys, segments, templates and a policy, drawn from a seed."""

from __future__ import annotations

import json
from random import Random

from sqlalchemy import Connection

from sojourn.journey.text import kinds
from sojourn.runtime.belonging.defining import define
from sojourn.runtime.dispatch.prepare import PAYLOADS
from sojourn.runtime.simulate.drawing import SCORE, STAGE, TOGETHER, Around, Drawing, Json
from sojourn.runtime.simulate.peers import KINDS
from sojourn.store.definitions import journeys, segments, settings, templates
from sojourn.store.definitions.documents import Kind

TEMPLATES = {"hello": "email", "offer": "email"} | {f"by {kind}": kind for kind in KINDS}
"""What kind of message each is: whatever a provider is declared for is said by a template."""


def publish(connection: Connection, dice: Random, now: int, *, together: bool) -> None:
    """Define and publish everything; only if `together` with steps on which customers wait for others."""
    for name, rule in _segments(dice).items():
        segments.save(connection, name, json.dumps(rule), now)
    for kind, said in _standing(dice):
        define(connection, kind, json.dumps(said), now)
    for name in TEMPLATES:
        rewrite(connection, name, 1, now)
    settings.put(connection, "policy", _policy(dice))
    names = tuple(f"journey {number}" for number in range(dice.randint(1, 3)))
    some = tuple(kind for kind in kinds() if together or kind not in TOGETHER)
    for number, name in enumerate(names, start=1):
        text = json.dumps(Drawing(dice, name, Around(some, tuple(TEMPLATES), names[number:])).journey())
        journeys.create(connection, name, text, now)
        journeys.publish(connection, name, text, now)


def rewrite(connection: Connection, name: str, edition: int, now: int) -> None:
    """Change a template: it may say something else from now on, but not where it has been frozen."""
    words, channel = f"{edition}: {{{{ customer.plan | default: 'none' }}}}", TEMPLATES[name]
    said: Json = {"name": name, "channel": channel}
    if channel == "email":
        body = f"<a href='https://example.com/{edition}'>{words}</a>"
        said |= {"from": "us@example.com", "subject": f"{name} {words}", "body": body}
    else:
        said |= {"payload": {"title": words}} if channel in PAYLOADS else {"text": words}
    templates.save(connection, name, json.dumps(said), now)


def _segments(dice: Random) -> dict[str, Json]:
    some: dict[str, Json] = {
        "keen": {"performed": "Logged In", "at_least": 2, "within": "3 days"},
        "quiet": {"not": {"performed": "Added", "within": "50 hours"}},
    }
    return some if dice.random() < 0.4 else {}


def _standing(dice: Random) -> list[tuple[Kind, Json]]:
    """A score that fades, perhaps with stages that follow it; rules ask for them whether there or not."""
    points: list[Json] = [
        {"event": "Logged In", "points": 10, "at_most": 25},
        {"event": "Added", "points": 15},
        {"event": "Noise", "points": -5},
        {"if": {"trait": "plan", "is": "paid"}, "points": 8},
    ]
    score: Json = {"score": SCORE, "half_life": "2 days", "at_most": 60, "points": points}
    hot: Json = {"if": {"score": SCORE, "at_least": 30}, "leave_below": 12}
    stages: Json = {"lifecycle": ["cold", {STAGE: hot}, {"buyer": {"if": {"performed": "Order Completed"}}}]}
    some: list[tuple[Kind, Json]] = [("score", score), ("lifecycle", stages), ("list", {"list": "vip"})]
    return some[: dice.choice([0, 1, 3])]


def _policy(dice: Random) -> Json:
    caps = [{"at_most": 2, "days": 1, "then": dice.choice(["hold", "suppress"])}]
    return {
        "caps": caps * dice.randint(0, 1),
        "quiet": [{"from": "22:00", "to": "07:30"}] * dice.randint(0, 1),
        "consent": {"marketing": "opt_out", "transactional": "none"},
        "fallback_zone": dice.choice(["UTC", "Europe/Berlin"]),
    }
