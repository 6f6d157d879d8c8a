"""Webhook: ask another system, and wait for what it answers; later steps may ask what it was."""

from __future__ import annotations

import numpy as np

from sojourn.journey.effects import Ask, Send
from sojourn.journey.step import HERE, HOLD, SAID, THEN, Answer, Asked, Standing, Step, StepKind, zoned
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Outcome, Rule, Window
from sojourn.rule.span import HOUR, Span
from sojourn.tape.tape import LONG_AGO

SOON = Span(microseconds=HOUR)


class Webhook(Step, frozen=True, tag="webhook"):
    """Ask on arrival, and go on when the answer is there; without one within `at_most` go `otherwise`.

    The fields of the answer are properties of `Webhook Sent`, for rules to ask for:
    `{sent: {step: ID, where: {score: {above: 5}}}}`.
    """

    template: str
    at_most: Span = SOON

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise")

    def answer(self, standing: Standing) -> Answer:
        due, since = standing.later(self.at_most), standing.runs.since
        answered, failed = (standing.holds(rule, since) for rule in self.awaits())
        planned, refused = standing.planned()
        failed |= refused | (due <= standing.now)
        exits = np.where(answered, 0, np.where(failed, 1, HOLD)).astype(np.int32)
        asked = Asked(self.asks()[0], (planned == LONG_AGO) & (exits == HOLD))
        return Answer(exits, due, (asked,))

    def awaits(self) -> tuple[Rule, ...]:
        window = Window(since_entry=True)
        return Outcome("sent", step=HERE, window=window), Outcome("bounced", step=HERE, window=window)

    def rules(self) -> tuple[Rule, ...]:
        return (*self.awaits(), *SAID)

    def asks(self) -> tuple[Ask, ...]:
        return (Send(self.template, "transactional", "webhook"),)

    def holds(self) -> bool:
        return True

    def zoned(self) -> bool:
        return zoned(self.at_most)


def _read(fields: Fields) -> Webhook:
    limit = fields.span("at_most") if "at_most" in fields.data else SOON
    return Webhook(fields.text("webhook"), limit)


def _write(step: Webhook) -> dict[str, object]:
    limit = {"at_most": str(step.at_most)} if step.at_most != SOON else {}
    return {"webhook": step.template, **limit}


WEBHOOK = StepKind(
    name="webhook",
    group="connect",
    title="Call a webhook",
    summary="Asks another system, and goes on when it has answered; what it said can be asked for later.",
    settings=Webhook,
    read=_read,
    write=_write,
    schema={"$ref": "#/$defs/name", "description": "The template of what is posted."},
    beside={
        "then": THEN,
        "at_most": {
            "$ref": "#/$defs/span",
            "default": str(SOON),
            "description": "How long to wait for the answer.",
        },
        "otherwise": {
            "$ref": "#/$defs/step_id",
            "description": "Where those go for whom there was no answer in time.",
        },
    },
    example="ask: {webhook: credit_check, at_most: 10 minutes, otherwise: bye}",
)
