"""Leave: the run ends here, for a reason of one's own."""

from __future__ import annotations

from collections.abc import Mapping

from sojourn.journey.step import Answer, Fields, Standing, Step, StepKind, go


class Leave(Step, frozen=True, tag="leave"):
    """End the run; `leaves` is the reason that counts and reports show."""

    leaves: str

    def exits(self) -> tuple[str, ...]:
        return ()

    def answer(self, standing: Standing) -> Answer:
        return go(len(standing.runs), leaves=self.leaves)

    def ends(self) -> bool:
        return True


def _read(fields: Fields) -> Leave:
    return Leave(fields.text("leave"))


def _write(step: Leave, targets: Mapping[str, str]) -> dict[str, object]:
    return {"leave": step.leaves}


LEAVE = StepKind(
    name="leave",
    group="end",
    title="Leave",
    summary="Ends the journey for this customer, with a reason.",
    settings=Leave,
    read=_read,
    write=_write,
    schema={"type": "string", "examples": ["done"]},
)
