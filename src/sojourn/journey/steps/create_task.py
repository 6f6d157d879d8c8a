"""Create task: ask somebody of the team to do something, and wait for it or go on."""

from __future__ import annotations

import numpy as np

from sojourn.errors import Invalid
from sojourn.journey.effects import Ask, Mark
from sojourn.journey.step import HERE, HOLD, THEN, Answer, Asked, Standing, Step, StepKind, zoned
from sojourn.journey.steps.assign_owner import OWNED, OWNER
from sojourn.journey.text.fields import Fields
from sojourn.rule.definition import Outcome, Rule, Window
from sojourn.rule.span import Span
from sojourn.tape.tape import NEVER

_KEYS = ("owner", "role")


class CreateTask(Step, frozen=True, tag="create_task"):
    """Put `Task Created` on the tape, for `owner`, for `role`, or for the customer's own owner.

    If `wait`, hold until it is done, or go `otherwise` when `within` is over and it is not.
    """

    title: str
    within: Span
    owner: str = ""
    role: str = ""
    wait: bool = False

    def exits(self) -> tuple[str, ...]:
        return ("then", "otherwise") if self.wait else ("then",)

    def answer(self, standing: Standing) -> Answer:
        n, due = len(standing.runs), standing.later(self.within)
        owners = np.full(n, self.owner, np.object_)
        if not (self.owner or self.role):
            owners = standing.texts(OWNER)
        told = {OWNER: owners, "due": due / 1e6}
        created = Asked(self.asks()[0], standing.arriving, properties=told)
        if not self.wait:
            return Answer(np.zeros(n, np.int32), np.full(n, NEVER), (created,))
        done = standing.holds(_DONE, standing.runs.since)
        late = ~done & (due <= standing.now)
        exits = np.where(done, 0, np.where(late, 1, HOLD)).astype(np.int32)
        return Answer(exits, due, (created, Asked(_OVERDUE, late)))

    def awaits(self) -> tuple[Rule, ...]:
        return (_DONE,) if self.wait else ()

    def rules(self) -> tuple[Rule, ...]:
        return self.awaits() if self.owner or self.role else (*self.awaits(), OWNED)

    def asks(self) -> tuple[Ask, ...]:
        told = {"title": self.title, "role": self.role, "awaited": self.wait}
        created = Mark("Task Created", {name: value for name, value in told.items() if value})
        return (created, _OVERDUE) if self.wait else (created,)

    def holds(self) -> bool:
        return self.wait

    def zoned(self) -> bool:
        return zoned(self.within)


_DONE = Outcome("done", step=HERE, window=Window(since_entry=True))
_OVERDUE = Mark("Task Overdue")


def _read(fields: Fields) -> CreateTask:
    inner = fields.mapping("create_task")
    owner, role = (inner.text(key, "") for key in _KEYS)
    if owner and role:
        raise Invalid("is for an owner or for a role, not both", place=inner.at("role"))
    found = CreateTask(inner.text("title"), inner.span("within"), owner, role, inner.flag("wait"))
    inner.done()
    return found


def _write(step: CreateTask) -> dict[str, object]:
    whose = {key: value for key in _KEYS if (value := getattr(step, key))}
    wait = {"wait": True} if step.wait else {}
    return {"create_task": {"title": step.title, "within": str(step.within), **whose, **wait}}


CREATE_TASK = StepKind(
    name="create_task",
    group="do",
    title="Create a task",
    summary="Asks somebody of the team to do something, and waits for it or goes on.",
    settings=CreateTask,
    read=_read,
    write=_write,
    schema={
        "type": "object",
        "properties": {
            "title": {"type": "string", "pattern": r"\S", "description": "What is to be done."},
            "within": {"$ref": "#/$defs/span", "description": "Until when."},
            "owner": {"$ref": "#/$defs/name", "description": "Who; by default the customer's owner."},
            "role": {"$ref": "#/$defs/name", "description": "Or anybody of a role."},
            "wait": {
                "type": "boolean",
                "default": False,
                "description": "Hold until it is done, or overdue.",
            },
        },
        "required": ["title", "within"],
        "additionalProperties": False,
    },
    beside={
        "then": THEN,
        "otherwise": {"$ref": "#/$defs/step_id", "description": "Where those go whose task is overdue."},
    },
    example="""
call:
  create_task: {title: Call them, within: 2 hours, role: sales, wait: true}
  otherwise: reminder
""",
)
