"""Times what everybody has of three scores, each that fade and have caps, against the rules over as much.

All are asked of tapes that are loaded and were asked before, in one thread.  The rules are three that count
and add up the same events within a window.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from bench.data import DAYS, START, synthetic
from bench.row import Row, rounded, seconds
from sojourn.customer import scores
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Rule
from sojourn.rule.evaluate import evaluate
from sojourn.rule.standing.named import Named
from sojourn.rule.text import parse
from sojourn.tape.tape import Bools, Tape

BAR = 10.0
"""The same order as a rule: less than ten times as long."""

CUSTOMERS, EVENTS, ROUNDS = 1_000_000, 10_000_000, 3
NOW = START + DAYS * 86_400_000_000
SCORES = [
    scores.parse(
        {
            "score": name,
            "half_life": half_life,
            "at_most": 100,
            "points": [
                {"event": "Page Viewed", "points": 1, "at_most": 20},
                {"event": "Product Viewed", "points": 2},
                {"event": "Product Added", "points": 5, "at_most": 40},
                {"event": "Order Completed", "where": {"amount": {"above": 40}}, "points": 20},
                {"if": {"trait": "plan", "in": ["plus", "team"]}, "points": 15},
            ],
        }
    )
    for name, half_life in (("week", "7 days"), ("month", "30 days"), ("quarter", "90 days"))
]
RULES = [
    parse({"performed": "Page Viewed", "at_least": 3, "within": "30 days"}),
    parse({"performed": "Product Viewed", "then_performed": "Order Completed", "within": "7 days"}),
    parse({"performed": "Order Completed", "sum": {"amount": {"above": 200}}, "within": "90 days"}),
]


def measure(*, small: bool) -> list[Row]:
    """The best seconds of the three scores and of the three rules."""
    part = 10 if small else 1
    tape = synthetic(CUSTOMERS // part, EVENTS // part)
    named = Named({}, {score.name: score for score in SCORES})
    asked = [parse({"score": score.name, "at_least": 50}) for score in SCORES]
    ask_scores = [partial(_everybody, rule, tape, named) for rule in asked]
    ask_rules = [partial(_everybody, rule, tape, named) for rule in RULES]
    for ask in (*ask_scores, *ask_rules):
        ask()  # compiles, and picks the events
    ours, rules = np.inf, np.inf
    for _ in range(ROUNDS):
        ours = min(ours, sum(seconds(ask) for ask in ask_scores))
        rules = min(rules, sum(seconds(ask) for ask in ask_rules))
    ratio = rounded(ours / rules)
    more = {"rules_seconds": rounded(rules)}
    return [Row("3 scores of everyone", rounded(ours), "s", BAR, ratio, "3 rules", less=True, more=more)]


def _everybody(rule: Rule, tape: Tape, named: Named) -> Bools:
    rows = np.arange(len(tape.customers))
    return evaluate(rule, Cohort((tape,), rows, np.full(len(rows), NOW), named))
