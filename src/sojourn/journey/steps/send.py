"""Send: say something to the customer by a template, if consent, caps and quiet hours allow it."""

from __future__ import annotations

from sojourn.journey.effects import Ask
from sojourn.journey.effects import Send as SendAsk
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.journey.text.fields import Fields

_KEYS = ("template", "purpose", "channel", "go_on")


class Send(Step, frozen=True, tag="send"):
    """Ask for one message; the run goes on when it is planned or refused, and holds while it is held."""

    send: SendAsk

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), self.send)

    def asks(self) -> tuple[Ask, ...]:
        return (self.send,)


def _read(fields: Fields) -> Send:
    if isinstance(fields.need("send"), str):
        return Send(SendAsk(fields.text("send")))
    inner = fields.mapping("send")
    names = inner.text("template"), inner.text("purpose", ""), inner.text("channel", "")
    ask = SendAsk(*names, inner.flag("go_on"))
    inner.done()
    return Send(ask)


SEND = StepKind(
    name="send",
    group="say",
    title="Send a message",
    summary="Sends a template by its channel, if policy allows it.",
    settings=Send,
    read=_read,
    write=lambda step: {"send": {key: value for key in _KEYS if (value := getattr(step.send, key))}},
    schema={
        "anyOf": [
            {"$ref": "#/$defs/name", "description": "The template."},
            {
                "type": "object",
                "properties": {
                    "template": {"$ref": "#/$defs/name", "description": "The template."},
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
