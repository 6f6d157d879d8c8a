"""Leave: the run ends here, for a reason of one's own."""

from __future__ import annotations

from sojourn.errors import Invalid
from sojourn.journey.program import REASONS
from sojourn.journey.step import Answer, Standing, Step, StepKind, go
from sojourn.journey.text.fields import Fields


class Leave(Step, frozen=True, tag="leave"):
    """End the run; `why` is the reason that counts and reports show."""

    why: str

    def exits(self) -> tuple[str, ...]:
        return ()

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), leaves=self.why)

    def reasons(self) -> tuple[str, ...]:
        return (self.why,)


def _read(fields: Fields) -> Leave:
    why = fields.text("leave")
    if why in REASONS:
        raise Invalid(f"{why!r} is what Sojourn itself says; say another", place=fields.at("leave"))
    return Leave(why)


LEAVE = StepKind(
    name="leave",
    group="end",
    title="Leave",
    summary="Ends the journey for this customer, for a reason of your own.",
    settings=Leave,
    read=_read,
    write=lambda step: {"leave": step.why},
    schema={
        "type": "string",
        "pattern": r"\S",
        "not": {"enum": list(REASONS)},
        "description": "The reason, as reports show it.",
    },
    example="bye: {leave: done}",
)
