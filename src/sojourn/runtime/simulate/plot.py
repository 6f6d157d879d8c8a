"""The plot of a simulation: random journeys, segments, templates and a policy, drawn from a seed."""

from __future__ import annotations

import json
from random import Random

from sqlalchemy import Connection

from sojourn.runtime.simulate.drawing import Drawing, Json
from sojourn.runtime.simulate.peers import KINDS
from sojourn.store.definitions import journeys, segments, settings, templates

TEMPLATES = {"hello": "email", "offer": "email"} | {f"by {kind}": kind for kind in KINDS}
"""What kind of message each is: whatever a provider is declared for is said by a template."""


def publish(connection: Connection, dice: Random, now: int) -> None:
    """Define and publish everything."""
    for name, rule in _segments(dice).items():
        segments.save(connection, name, json.dumps(rule), now)
    for name in TEMPLATES:
        rewrite(connection, name, 1, now)
    settings.put(connection, "policy", _policy(dice))
    for number in range(dice.randint(1, 3)):
        name = f"journey {number}"
        text = json.dumps(Drawing(dice, name, tuple(TEMPLATES)).journey())
        journeys.create(connection, name, text, now)
        journeys.publish(connection, name, text, now)


def rewrite(connection: Connection, name: str, edition: int, now: int) -> None:
    """Change a template: it may say something else from now on, but not where it has been frozen."""
    words = f"{edition}: {{{{ customer.plan | default: 'none' }}}}"
    said: Json = {"name": name, "channel": TEMPLATES[name]}
    match TEMPLATES[name]:
        case "email":
            body = f"<a href='https://example.com/{edition}'>{words}</a>"
            said |= {"from": "us@example.com", "subject": f"{name} {words}", "body": body}
        case "webhook":
            said |= {"payload": {"says": words}}
        case _:
            said |= {"text": words}
    templates.save(connection, name, json.dumps(said), now)


def _segments(dice: Random) -> dict[str, Json]:
    some: dict[str, Json] = {
        "keen": {"performed": "Logged In", "at_least": 2, "within": "3 days"},
        "quiet": {"not": {"performed": "Added", "within": "50 hours"}},
    }
    return some if dice.random() < 0.4 else {}


def _policy(dice: Random) -> Json:
    caps = [{"at_most": 2, "days": 1, "then": dice.choice(["hold", "suppress"])}]
    return {
        "caps": caps * dice.randint(0, 1),
        "quiet": [{"from": "22:00", "to": "07:30"}] * dice.randint(0, 1),
        "consent": {"marketing": "opt_out", "transactional": "none"},
        "fallback_zone": dice.choice(["UTC", "Europe/Berlin"]),
    }
