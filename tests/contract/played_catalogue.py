"""The journeys, segments, scores and stages by which live is held to backtest: they start each other."""

from __future__ import annotations

from sojourn.customer import lifecycle, scores
from sojourn.customer.references import Definitions
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.message.policy import parse
from sojourn.rule.text import parse as parse_rule
from sojourn.runtime.belonging.watched import Written, watched
from sojourn.runtime.catalogue import Catalogue, Offered

NURTURE = """
journey: nurture
enter: [{event: Signed Up, again: after leaving}]
goal: {event: Order Completed, within: 20 days}
leave_if: {performed: Logged In, at_least: 3, within: 2 days}
steps:
  hello: {send: {template: hello, purpose: transactional}}
  pause: {wait: 1 day}
  choice:
    branch:
      - {if: {performed: Logged In, within: 2 days}, then: listen}
      - {if: {trait: plan, is: paid}, then: mark}
    otherwise: arms
  arms: {split: [{name: a, weight: 1, then: mark}, {name: b, weight: 2, then: listen}]}
  mark: {set_trait: {plan: paid}}
  shout: {emit_event: {name: Nudged, properties: {by: nurture}}}
  listen:
    wait_for:
      - {event: Added, then: again}
      - {if: {performed: Logged In, at_least: 2, within: 12 hours}, then: bye}
    at_most: 36 hours
    otherwise: bye
  again: {send: {template: again, purpose: transactional}, then: listen}
  bye: {leave: done}
"""

CART = """
journey: cart
enter: [{event: Added, where: {value: {above: 3}}, again: per cart after leaving}]
holdout: 20%
steps:
  pause: {wait_until: {time: "09:00"}}
  mail: {send: {template: cart, purpose: transactional}}
  more: {wait_for: [{event: Order Completed, since: entry}], at_most: 3 days}
"""

CHAIN = """
journey: chain
enter: [{event: Nudged, again: after 2 days}, {event: Noise, again: never, if: {trait: plan, is: paid}}]
steps:
  pause: {wait: 90 minutes}
  mail: {send: {template: chain, purpose: transactional}}
"""

BACK = """
journey: back
enter: [{segment_entered: keen, again: after leaving}]
steps:
  pause: {wait: 6 hours}
  check: {branch: [{if: {in_segment: keen}, then: mail}], otherwise: bye}
  mail: {send: {template: back, purpose: transactional}}
  bye: {leave: cooled}
"""

GONE = """
journey: gone
enter:
  - {event: Segment Left, where: {segment: buyers}, again: parallel}
  - {segment_entered: quiet, again: after 3 days}
  - {segment_entered: ripe, again: after 3 days}
leave_if: {in_segment: buyers}
steps:
  pause: {wait_for: [{event: Segment Entered, then: mark}], at_most: 2 days}
  mark: {set_trait: {plan: free}}
"""

TRAVEL = """
journey: travel
enter:
  - {event: Logged In, if: {trait: plan, is: free}, again: after leaving}
  - {event: Logged In, if: {trait: plan, is: paid}, again: after 3 days}
  - {event: Nudged, again: per by after leaving}
steps:
  more: {wait: 90 minutes}
  by: {branch: [{if: {entry: by, is: nurture}, then: move}], otherwise: day}
  move: {set_trait: {timezone: Asia/Tokyo}}
  day: {wait: 1 day}
  nine: {wait_until: {time: "09:00"}}
  mail: {send: {template: travel, purpose: transactional, go_on: true}}
  bye: {leave: seen}
"""

HOT = """
journey: hot
enter:
  - {event: Score Changed, where: {score: engagement, threshold: 12, rising: true}, again: after leaving}
  - {event: Score Changed, where: {score: lead, threshold: 5.5, rising: false}, again: after 1 day}
leave_if: {score: engagement, below: 2.5}
steps:
  pause:
    wait_for:
      - {if: {score: lead, group: habit, at_least: 9}, then: mark}
    at_most: 4 days
    otherwise: bye
  mark: {set_trait: {plan: paid}}
  bye: {leave: seen}
"""

STAGED = """
journey: staged
enter: [{event: Lifecycle Changed, where: {to: [MQL, SQL]}, again: after leaving}]
goal: {lifecycle: customer}
steps:
  pause: {wait: 30 hours}
  which: {branch: [{if: {lifecycle: [MQL, SQL]}, then: mail}], otherwise: bye}
  mail: {send: {template: staged, purpose: transactional}}
  bye: {leave: fell back}
"""

SCORES: tuple[dict[str, object], ...] = (
    {
        "score": "engagement",
        "half_life": "3 days",
        "at_most": 20,
        "points": [
            {"event": "Logged In", "points": 3, "at_most": 8},
            {"event": "Added", "where": {"value": {"above": 4}}, "points": 5},
            {"event": "Noise", "points": -2},
        ],
    },
    {
        "score": "lead",
        "groups": {
            "fit": {"points": [{"if": {"trait": "plan", "is": "paid"}, "points": 5}]},
            "habit": {
                "half_life": "30 hours",
                "points": [{"event": "Added", "points": 4}, {"if": {"in_segment": "keen"}, "points": 2}],
            },
        },
    },
)

LIFECYCLE = {
    "lifecycle": [
        "cold",
        {"MQL": {"if": {"score": "engagement", "at_least": 9}, "leave_below": 4}},
        {"SQL": {"if": {"all": [{"score": "lead", "above": 7}, {"performed": "Signed Up"}]}}},
        {"customer": {"if": {"performed": "Order Completed", "at_least": 3}, "stays": True}},
    ]
}

SEGMENTS = {
    "keen": {"performed": "Logged In", "at_least": 2, "within": "3 days"},
    "quiet": {"not": {"performed": "Added", "within": "50 hours"}},
    "ripe": {"all": [{"lifecycle": ["MQL", "SQL"]}, {"score": "lead", "at_least": 4}]},
    "buyers": {"all": [{"trait": "plan", "is": "paid"}, {"not": {"in_segment": "quiet"}}]},
}

POLICY = {
    "caps": [{"at_most": 2, "days": 1, "then": "hold"}],
    "quiet": [{"from": "22:00", "to": "07:30"}],
    "consent": {"transactional": "none"},
    "fallback_zone": "Europe/Berlin",
}


def catalogue() -> Catalogue:
    texts = (NURTURE, CART, CHAIN, BACK, GONE, TRAVEL, HOT, STAGED)
    offered = tuple(Offered(n, (Program(read_journey(text), n),)) for n, text in enumerate(texts, start=1))
    known = Definitions(
        {name: parse_rule(rule) for name, rule in SEGMENTS.items()},
        {one.name: one for one in map(scores.parse, SCORES)},
        lifecycle.parse(LIFECYCLE),
    )
    written = {f"segment {name}": Written(n, 1) for n, name in enumerate(sorted(SEGMENTS), start=1)}
    programs = [(offer.id, offer.newest.journey) for offer in offered]
    return Catalogue(
        journeys=offered,
        segments=known.named,
        stages=known.stages,
        followed=watched(known, programs, written),
        policy=parse(POLICY),
    )
