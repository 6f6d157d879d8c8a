"""Send: say something to the customer by a template, if consent, caps and quiet hours allow it."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from sojourn.journey.effects import Ask
from sojourn.journey.effects import Send as SendAsk
from sojourn.journey.step import Answer, Asked, Standing, Step, StepKind
from sojourn.journey.text.fields import Fields
from sojourn.tape.tape import NEVER

_KEYS = ("template", "purpose", "channel", "go_on")


class Send(Step, frozen=True, tag="send"):
    """Ask for one message; the run goes on when it is planned or refused, and holds while it is held.

    What policy does not allow now is said by the first template of `instead` that it does.
    """

    send: SendAsk
    instead: tuple[str, ...] = ()

    def answer(self, standing: Standing) -> Answer:
        n = len(standing.runs)
        first, *others = self._ways()
        return Answer(np.zeros(n, np.int32), np.full(n, NEVER), (Asked(first, instead=tuple(others)),))

    def asks(self) -> tuple[Ask, ...]:
        return self._ways()

    def _ways(self) -> tuple[SendAsk, ...]:
        return (self.send, *(replace(self.send, template=template) for template in self.instead))


def _read(fields: Fields) -> Send:
    if isinstance(fields.need("send"), str):
        return Send(SendAsk(fields.text("send")))
    inner = fields.mapping("send")
    several = isinstance(inner.need("template"), list)
    template, *instead = inner.names("template") if several else (inner.text("template"),)
    ask = SendAsk(template, inner.text("purpose", ""), inner.text("channel", ""), inner.flag("go_on"))
    inner.done()
    return Send(ask, tuple(instead))


def _write(step: Send) -> dict[str, object]:
    said = {key: value for key in _KEYS if (value := getattr(step.send, key))}
    return {"send": {**said, **({"template": [step.send.template, *step.instead]} if step.instead else {})}}


SEND = StepKind(
    name="send",
    group="say",
    title="Send a message",
    summary="Sends a template by its channel, if policy allows it.",
    settings=Send,
    read=_read,
    write=_write,
    schema={
        "anyOf": [
            {"$ref": "#/$defs/name", "description": "The template."},
            {
                "type": "object",
                "properties": {
                    "template": {
                        "anyOf": [
                            {"$ref": "#/$defs/name", "description": "The template."},
                            {
                                "type": "array",
                                "minItems": 1,
                                "items": {"$ref": "#/$defs/name"},
                                "description": "Several, each by its own channel, the dearest first: "
                                "the first that policy allows is sent.",
                            },
                        ]
                    },
                    "purpose": {
                        "$ref": "#/$defs/name",
                        "description": "What it is for, which is what consent is asked for; "
                        "by default what the template is for.",
                    },
                    "channel": {"$ref": "#/$defs/name", "description": "By default the template's."},
                    "go_on": {
                        "type": "boolean",
                        "default": False,
                        "description": "Where policy would hold the message back for a while: "
                        "go on without it instead of waiting.",
                    },
                },
                "required": ["template"],
                "additionalProperties": False,
            },
        ]
    },
    example="hello: {send: {template: welcome, purpose: onboarding}}",
)
