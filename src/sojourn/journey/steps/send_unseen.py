"""Send unseen: the first of several templates that the customer was never sent."""

from __future__ import annotations

import numpy as np

from sojourn.journey.effects import Ask, Send
from sojourn.journey.step import THEN, Answer, Asked, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Comparison, Condition, Performed, Rule
from sojourn.tape.tape import NEVER


class SendUnseen(Step, frozen=True, tag="send_unseen"):
    """Ask for the first of `templates` that was never planned for the customer; else go `otherwise`."""

    templates: tuple[str, ...]
    purpose: str = ""

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise")

    def answer(self, standing: Standing) -> Answer:
        n = len(standing.runs)
        undecided, asked = np.ones(n, np.bool_), list[Asked]()
        for ask, seen in zip(self.asks(), self.rules(), strict=True):
            new = ~standing.holds(seen)
            asked.append(Asked(ask, undecided & new))
            undecided &= ~new
        return Answer(undecided.astype(np.int32), np.full(n, NEVER), tuple(asked))

    def rules(self) -> tuple[Rule, ...]:
        return tuple(_sent(template) for template in self.templates)

    def asks(self) -> tuple[Ask, ...]:
        return tuple(Send(template, self.purpose) for template in self.templates)


def _sent(template: str) -> Rule:
    return Performed("Message Planned", (Condition("template", (Comparison("is", template),)),))


def _read(fields: Fields) -> SendUnseen:
    inner = fields.mapping("send_unseen")
    found = SendUnseen(inner.names("of"), inner.text("purpose", ""))
    inner.done()
    return found


def _write(step: SendUnseen) -> dict[str, object]:
    purpose = {"purpose": step.purpose} if step.purpose else {}
    return {"send_unseen": {"of": list(step.templates), **purpose}}


SEND_UNSEEN = StepKind(
    name="send_unseen",
    group="say",
    title="Send something new",
    summary="Sends the first of several templates that the customer was never sent.",
    settings=SendUnseen,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "of": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"$ref": "#/$defs/name"},
                "description": "The templates, the first to be sent first.",
            },
            "purpose": {"$ref": "#/$defs/name", "description": "By default what the template is for."},
        },
        "required": ["of"],
        "additionalProperties": False,
    },
    beside={
        "then": THEN,
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go who were sent all of them."},
    },
    example="tip: {send_unseen: {of: [first_tip, second_tip, third_tip]}, otherwise: bye}",
)
