"""Send: say something to the customer by a template, if consent, caps and quiet hours allow it."""

from __future__ import annotations

from collections.abc import Mapping

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask
from sojourn.journey.effects import Send as SendAsk
from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind, go

_KEYS = ("template", "purpose", "channel", "go_on")


class Send(Step, frozen=True, tag="send"):
    """Ask for one message; the run goes on when it is planned or refused, and holds while it is held."""

    send: SendAsk

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), ask=self.send)

    def asks(self) -> tuple[Ask, ...]:
        return (self.send,)


def _read(fields: Fields) -> Send:
    fields.target("then")
    if isinstance(fields.need("send"), str):
        return Send(SendAsk(fields.text("send")))
    inner = fields.mapping("send")
    go_on = inner.take("go_on", False)
    if not isinstance(go_on, bool):
        raise Invalid(f"must be true or false, not {go_on!r}", place=f"{inner.place}.go_on")
    ask = SendAsk(inner.text("template"), inner.text("purpose", ""), inner.text("channel", ""), go_on)
    inner.done()
    return Send(ask)


def _write(step: Send, targets: Mapping[str, str]) -> dict[str, object]:
    return {"send": {key: value for key in _KEYS if (value := getattr(step.send, key))}, **targets}


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
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "template": {"type": "string"},
                    "purpose": {"type": "string"},
                    "channel": {"type": "string"},
                    "go_on": {"type": "boolean"},
                },
                "required": ["template"],
                "additionalProperties": False,
            },
        ]
    },
)
