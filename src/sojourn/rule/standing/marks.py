"""Reads the last mark of a kind: in which stage of the lifecycle customers stand, and on which lists."""

from __future__ import annotations

from sojourn.rule.cohort import Cohort
from sojourn.rule.compare import Values, holds
from sojourn.rule.definition import (
    LIFECYCLE_CHANGED,
    LIST_JOINED,
    LIST_LEFT,
    Comparison,
    Condition,
    InStage,
    OnList,
    Performed,
)
from sojourn.rule.picks import lasts, performed
from sojourn.rule.standing.named import Named
from sojourn.tape.tape import LONG_AGO, Bools, Ints

CHANGES = Performed(LIFECYCLE_CHANGED, last=(Condition("to", (Comparison("exists", True),)),))


def joins(leaf: OnList) -> tuple[Performed, Performed]:
    """The rules that pick the joining and the leaving of a list."""
    this = (Condition("list", (Comparison("is", leaf.list),)),)
    return Performed(LIST_JOINED, this), Performed(LIST_LEFT, this)


def in_stage(leaf: InStage, cohort: Cohort) -> tuple[Bools, tuple[Values, ...]]:
    """Whether the stage that each asking last came to is one of the leaf's, bool[m], and that stage.

    Whoever never came to another is in the first stage of the lifecycle, if there is one.
    """
    last = lasts(performed(CHANGES, cohort))
    stage = last.values("to")
    found = holds((Comparison("in", leaf.stages),), stage, cohort.now, cohort.zone)
    if set(leaf.stages) & set(Named.of(cohort.segments).stages[:1]):
        found |= last.times() == LONG_AGO
    return found, stage


def on_list(leaf: OnList, cohort: Cohort) -> tuple[Bools, Ints, Ints]:
    """Whether each asking is on the list, bool[m], and when they last joined and left it, int64[m].

    Joining and leaving at one instant count as leaving: who said both does not want to be there.
    """
    joined, left = (lasts(performed(rule, cohort)).times() for rule in joins(leaf))
    return joined > left, joined, left
