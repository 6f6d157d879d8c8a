"""Deactivate: announce that mail will stop, wait, and withdraw consent from those who do not act."""

from __future__ import annotations

import numpy as np

from sojourn.journey.effects import Ask, Mark, Send
from sojourn.journey.step import HOLD, SAID, THEN, Answer, Asked, Standing, Step, StepKind, zoned
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Rule
from sojourn.rule.span import Span
from sojourn.rule.text import dump
from sojourn.tape.grain import GRAIN
from sojourn.tape.tape import LONG_AGO


class Deactivate(Step, frozen=True, tag="deactivate"):
    """Send `announce`; whoever meets `unless` within `wait` of it goes `otherwise`, all others `then`.

    The consent of these is withdrawn: to `purpose`, or to everything if that is ''.  Where policy lets nobody
    be told, the time counts from arrival.
    """

    announce: str
    wait: Span
    unless: Rule
    purpose: str = ""

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise")

    def answer(self, standing: Standing) -> Answer:
        acts = standing.holds(self.unless, standing.runs.since)
        planned, refused = standing.planned()
        told = (planned != LONG_AGO) | refused
        began = np.where(planned != LONG_AGO, planned, standing.runs.since)
        due = np.maximum(standing.off(began, self.wait, before=False), standing.now + GRAIN * ~told)
        exits = np.where(acts, 1, np.where((due <= standing.now) & told, 0, HOLD)).astype(np.int32)
        announce, withdraw = self.asks()
        asked = (Asked(announce, ~told & ~acts), Asked(withdraw, exits == 0))
        return Answer(exits, due, asked)

    def awaits(self) -> tuple[Rule, ...]:
        return (self.unless,)

    def rules(self) -> tuple[Rule, ...]:
        return (self.unless, *SAID)

    def asks(self) -> tuple[Ask, ...]:
        of = {"purpose": self.purpose} if self.purpose else {}
        return Send(self.announce, self.purpose), Mark("Consent Withdrawn", {**of, "source": "sunset"})

    def zoned(self) -> bool:
        return zoned(self.wait)


def _read(fields: Fields) -> Deactivate:
    inner = fields.mapping("deactivate")
    announce, purpose = inner.text("announce"), inner.text("purpose", "")
    found = Deactivate(announce, inner.span("wait"), inner.rule("unless"), purpose)
    inner.done()
    return found


def _write(step: Deactivate) -> dict[str, object]:
    purpose = {"purpose": step.purpose} if step.purpose else {}
    told = {"announce": step.announce, "wait": str(step.wait), "unless": dump(step.unless)}
    return {"deactivate": {**told, **purpose}}


DEACTIVATE = StepKind(
    name="deactivate",
    group="end",
    title="Deactivate",
    summary="Announces that mail will stop, waits, and stops it for those who do not act.",
    settings=Deactivate,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "announce": {"$ref": "#/$defs/name", "description": "The template that announces it."},
            "wait": {"$ref": "#/$defs/span", "description": "How long they have to act."},
            "unless": {
                "$ref": "#/$defs/rule",
                "description": "What keeps them, from arrival on.",
            },
            "purpose": {"$ref": "#/$defs/name", "description": "What stops; by default everything."},
        },
        "required": ["announce", "wait", "unless"],
        "additionalProperties": False,
    },
    beside={
        "then": THEN,
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go who act."},
    },
    example="""
sunset:
  deactivate: {announce: goodbye, wait: 14 days, unless: {performed: Logged In, since: entry}}
  then: bye
  otherwise: thanks
""",
)
