"""Notify: tell somebody of the team about the customer, by mail, in Slack or by a webhook."""

from __future__ import annotations

from sojourn.journey.effects import Ask, Notice
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.journey.text.fields import Fields

_KEYS = ("template", "to", "channel")


class Notify(Step, frozen=True, tag="notify"):
    """Ask for one notice; the customer's consent, caps and quiet hours have no part in it."""

    notice: Notice

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), self.notice)

    def asks(self) -> tuple[Ask, ...]:
        return (self.notice,)


def _read(fields: Fields) -> Notify:
    if isinstance(fields.need("notify"), str):
        return Notify(Notice(fields.text("notify")))
    inner = fields.mapping("notify")
    notice = Notice(inner.text("template"), inner.text("to", ""), inner.text("channel", ""))
    inner.done()
    return Notify(notice)


def _write(step: Notify) -> dict[str, object]:
    return {"notify": {key: value for key in _KEYS if (value := getattr(step.notice, key))}}


NOTIFY = StepKind(
    name="notify",
    group="say",
    title="Notify the team",
    summary="Tells somebody of the team about the customer, by mail or in Slack.",
    settings=Notify,
    read=_read,
    write=_write,
    schema={
        "anyOf": [
            {"$ref": "#/$defs/name", "description": "The template."},
            {
                "type": "object",
                "properties": {
                    "template": {"$ref": "#/$defs/name", "description": "The template."},
                    "to": {
                        "$ref": "#/$defs/name",
                        "description": "Whom: an address, or a channel of Slack; "
                        "by default where the channel's settings lead.",
                    },
                    "channel": {"$ref": "#/$defs/name", "description": "By default the template's."},
                },
                "required": ["template"],
                "additionalProperties": False,
            },
        ]
    },
    example="tell: {notify: {template: hot_lead, to: sales@example.com}}",
)
