"""The segments, scores and stages that the tests of rules ask about."""

from __future__ import annotations

from sojourn.rule import definition as d
from sojourn.rule.span import Span
from sojourn.rule.standing.named import Fit, Gain, Group, Named, Score

_AT_LEAST_TWO = (d.Comparison("at_least", 2.0),)
TOTAL = (d.Condition("total", (d.Comparison("exists", True),)),)
SCORES = (
    Score(
        "lead",
        (
            Group("fit", fits=(Fit(d.Trait("plan", (d.Comparison("is", "a"),)), 2.0),), most=3),
            Group(
                "engagement",
                (Gain("Viewed", 1.0), Gain("Ordered", 2.5, most=4.0), Gain("Viewed", 4.0, TOTAL, most=6.0)),
                (Fit(d.InSegment("buyers"), 1.0),),
                Span(days=2),
                most=9.0,
            ),
        ),
        most=10.5,
    ),
    Score("mood", (Group("", (Gain("Viewed", 3.0), Gain("Ordered", -5.0)), (), Span(days=1), -8.0),)),
    Score(
        "mixed",
        (
            Group("up", (Gain("Viewed", 4.0),), (), Span(days=1)),
            Group("down", (Gain("Ordered", -3.0, most=5.0),), (), Span(days=4), -9.0, 0.0),
            Group("kept", (Gain("Email Opened", 0.5),), (Fit(d.Scored("lead", _AT_LEAST_TWO), 1.0),)),
        ),
        least=-6.0,
    ),
)
SEGMENTS = Named(
    {
        "buyers": d.Performed("Ordered", window=d.Window(within=Span(days=3))),
        "of buyers": d.All((d.InSegment("buyers"), d.Trait("plan", (d.Comparison("is", "a"),)))),
        "warm": d.Any((d.Scored("mixed", _AT_LEAST_TWO), d.InStage(("MQL",)))),
    },
    {score.name: score for score in SCORES},
    ("cold", "MQL", "SQL"),
)

STAGES = ("cold", "MQL", "SQL", "unknown")
asked_scores = (
    ("lead", ""),
    ("lead", "fit"),
    ("lead", "engagement"),
    ("mood", ""),
    ("mixed", ""),
    ("no", ""),
)
