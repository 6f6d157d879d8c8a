"""Wait for: hold until one of several things happens or holds, at most for a span of time."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.step import HOLD, Answer, Fields, Standing, Step, StepKind
from sojourn.rule.definition import Outcome, Performed, Rule
from sojourn.rule.span import Span, parse_span
from sojourn.rule.text import dump, parse
from sojourn.tape.tape import NEVER, Ints


class Awaited(msgspec.Struct, frozen=True):
    """One way on: a rule and, for an event or an outcome, from when on it counts."""

    rule: Rule
    since: str = ""  # "arrival" here or "entry" into the journey; "" for a rule


class WaitFor(Step, frozen=True, tag="wait_for"):
    """Take the first of `awaited` that comes true; after `at_most` (None: never) go `otherwise`."""

    awaited: tuple[Awaited, ...]
    at_most: Span | None = None

    def exits(self) -> tuple[str, ...]:
        return (*(str(number) for number in range(1, len(self.awaited) + 1)), "otherwise")

    def answer(self, standing: Standing) -> Answer:
        runs, world = standing.runs, standing.world
        exits = np.full(len(runs), HOLD, np.int32)
        due = world.later(runs.rows, runs.since, self.at_most) if self.at_most else np.full(len(runs), NEVER)
        late = due <= standing.now
        for number, awaited in enumerate(self.awaited):
            since = self._since(awaited, standing)
            exits[standing.holds(awaited.rule, since) & (exits == HOLD)] = number
            if world.timed(awaited.rule):
                due = np.minimum(due, standing.horizon(awaited.rule, since))
        exits[late & (exits == HOLD)] = len(self.awaited)
        return Answer(exits, due)

    def _since(self, awaited: Awaited, standing: Standing) -> Ints | None:
        return standing.runs.since if awaited.since == "arrival" else None

    def holds(self) -> bool:
        return all(awaited.since == "arrival" for awaited in self.awaited)

    def awaits(self) -> tuple[Rule, ...]:
        return tuple(awaited.rule for awaited in self.awaited)


def _read(fields: Fields) -> WaitFor:
    awaited = []
    for number, item in enumerate(fields.items("wait_for"), start=1):
        awaited.append(_read_awaited(item))
        item.target(str(number))
        item.take("then")
        item.done()
    limit = fields.take("at_most")
    fields.target("otherwise", "otherwise")
    fields.take("otherwise")
    return WaitFor(tuple(awaited), parse_span(limit, f"{fields.place}.at_most") if limit else None)


def _read_awaited(item: Fields) -> Awaited:
    if "if" in item.data:
        return Awaited(parse(item.take("if"), f"{item.place}.if"))
    rule = {key: value for key, value in item.data.items() if key not in ("then", "since")}
    if "event" in rule:
        rule = {"performed": rule.pop("event"), **rule}
    since = item.text("since", "arrival")
    if since not in ("arrival", "entry"):
        raise Invalid("must be 'arrival' or 'entry'", place=f"{item.place}.since")
    item.taken.update(item.data)
    found = parse(rule, item.place)
    if not isinstance(found, (Performed, Outcome)):
        raise Invalid("awaits an event or an outcome; write any other condition under 'if'", place=item.place)
    window = msgspec.structs.replace(found.window, since_entry=True)
    return Awaited(msgspec.structs.replace(found, window=window), since)


def _write(step: WaitFor, targets: Mapping[str, str]) -> dict[str, object]:
    items: list[dict[str, object]] = []
    for number, awaited in enumerate(step.awaited, start=1):
        target = targets.get(str(number))
        items.append({**_write_awaited(awaited), **({"then": target} if target else {})})
    limit = {"at_most": str(step.at_most)} if step.at_most else {}
    otherwise = {"otherwise": targets["otherwise"]} if "otherwise" in targets else {}
    return {"wait_for": items, **limit, **otherwise}


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
    summary="Holds until something happens, at most for a span of time.",
    settings=WaitFor,
    read=_read,
    write=_write,
    schema={
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "event": {"type": "string"},
                        "where": {"type": "object"},
                        "since": {"enum": ["arrival", "entry"]},
                        "then": {"type": "string"},
                    },
                    "required": ["event"],
                },
                {
                    "type": "object",
                    "properties": {"if": {"$ref": "#/$defs/rule"}, "then": {"type": "string"}},
                    "required": ["if"],
                    "additionalProperties": False,
                },
                {"type": "object", "$comment": "an outcome such as {clicked: step}"},
            ]
        },
    },
    beside={"at_most": {"type": "string"}, "otherwise": {"type": "string"}},
)
