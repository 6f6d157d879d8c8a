"""Wait for: hold until one of several things happens or holds, at most for a span of time."""

from __future__ import annotations

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import HOLD, Answer, Standing, Step, StepKind, zoned
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Outcome, Performed, Rule
from sojourn.rule.span import Span
from sojourn.rule.text import dump, parse
from sojourn.tape.tape import NEVER, Ints

OWN = ("then", "since")
"""The keys of a way that are no part of what it awaits."""


class Awaited(msgspec.Struct, frozen=True):
    """One way on: a rule and, for an event or an outcome, from when on it counts."""

    rule: Rule
    since: str = ""  # "arrival" here or "entry" into the journey; "" for a rule


class WaitFor(Step, frozen=True, tag="wait_for"):
    """Take the first of `awaited` that comes true; after `at_most`, if there is one, go `otherwise`."""

    awaited: tuple[Awaited, ...]
    at_most: Span | None = None

    def exits(self) -> tuple[str, ...]:
        ways = tuple(str(number) for number in range(1, len(self.awaited) + 1))
        return (*ways, "otherwise") if self.at_most else ways

    def answer(self, standing: Standing) -> Answer:
        n = len(standing.runs)
        exits = np.full(n, HOLD, np.int32)
        due = standing.later(self.at_most) if self.at_most else np.full(n, NEVER)
        late = due <= standing.now
        exits[due < standing.now] = len(self.awaited)  # what came after the limit came too late
        for number, awaited in enumerate(self.awaited):
            since = self._since(awaited, standing)
            exits[standing.holds(awaited.rule, since) & (exits == HOLD)] = number
            if standing.world.timed(awaited.rule):
                due = np.minimum(due, standing.horizon(awaited.rule, since))
        exits[late & (exits == HOLD)] = len(self.awaited)
        return Answer(exits, due)

    def _since(self, awaited: Awaited, standing: Standing) -> Ints | None:
        return standing.runs.since if awaited.since == "arrival" else None

    def awaits(self) -> tuple[Rule, ...]:
        return tuple(awaited.rule for awaited in self.awaited)

    def holds(self) -> bool:
        return all(awaited.since == "arrival" for awaited in self.awaited)

    def zoned(self) -> bool:
        return self.at_most is not None and zoned(self.at_most)

    def endless(self) -> bool:
        return self.at_most is None


def _read(fields: Fields) -> WaitFor:
    awaited = tuple(_read_awaited(item) for item in fields.ways("wait_for"))
    limit = fields.span("at_most") if "at_most" in fields.data else None
    if "otherwise" in fields.data and not limit:
        raise Invalid("nobody comes here without `at_most`, which says when", place=fields.at("otherwise"))
    return WaitFor(awaited, limit)


def _read_awaited(item: Fields) -> Awaited:
    if "if" in item.data:
        rule = item.rule("if")
        item.done()
        return Awaited(rule)
    since = item.text("since", "arrival")
    if since not in ("arrival", "entry"):
        raise Invalid("must be 'arrival' or 'entry'", place=item.at("since"))
    asked = {key: value for key, value in item.data.items() if key not in OWN}
    if "event" in asked:
        asked = {"performed": asked.pop("event"), **asked}
    found = parse(asked, item.place)
    if not isinstance(found, Performed | Outcome) or (isinstance(found, Performed) and not found.least):
        raise Invalid("awaits no event or outcome; write any other condition under 'if'", place=item.place)
    window = msgspec.structs.replace(found.window, since_entry=True)
    return Awaited(msgspec.structs.replace(found, window=window), since)


def _write(step: WaitFor) -> dict[str, object]:
    limit = {"at_most": str(step.at_most)} if step.at_most else {}
    return {"wait_for": [_write_awaited(awaited) for awaited in step.awaited], **limit}


def _write_awaited(awaited: Awaited) -> dict[str, object]:
    if not awaited.since:
        return {"if": dump(awaited.rule)}
    data = {key: value for key, value in dump(awaited.rule).items() if key != "since"}
    if "performed" in data:
        data = {"event": data.pop("performed"), **data}
    return {**data, **({"since": "entry"} if awaited.since == "entry" else {})}


WAIT_FOR = StepKind(
    name="wait_for",
    group="time",
    title="Wait for",
    summary="Holds until one of several things happens, at most for a span of time.",
    settings=WaitFor,
    read=_read,
    write=_write,
    schema={
        "type": "array",
        "minItems": 1,
        "description": "The ways on: each an event, what becomes of a message, or any condition under `if`. "
        "The first to come true is taken.",
        "items": {
            "anyOf": [
                {"$ref": "#/$defs/awaited_event"},
                {"$ref": "#/$defs/awaited_outcome"},
                {
                    "type": "object",
                    "properties": {"if": {"$ref": "#/$defs/rule", "description": "Any condition."}},
                    "required": ["if"],
                    "additionalProperties": False,
                },
            ]
        },
    },
    beside={
        "at_most": {"$ref": "#/$defs/span", "description": "How long at most; by default for ever."},
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go who did none of it."},
    },
    example="""
answer:
  wait_for:
    - {event: Order Completed, where: {total: {above: 20}}, then: thanks}
    - {clicked: hello, then: offer}
  at_most: 5 days
  otherwise: bye
""",
)
