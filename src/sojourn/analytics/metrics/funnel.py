"""The funnel: how many customers got through each of some steps."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from sojourn.analytics.metric import Metric
from sojourn.analytics.stream import code_of, happened
from sojourn.errors import Invalid
from sojourn.tape.cores import by_parts
from sojourn.tape.kernels.progress import progress_in_any_order, progress_in_order, progress_strictly
from sojourn.tape.tape import NEVER, Ints, Tape

_MOST_STEPS = 62  # steps are bits of an int64


class FunnelQuestion(msgspec.Struct, frozen=True, kw_only=True, tag_field="metric", tag="funnel"):
    """Which steps, taken how.

    `order`: in this order with anything between (ordered) or nothing between (strict), or any.  A
    step named twice must be made twice.  `within` µs from the first step, the edge included; None
    is no limit.  `entry`: only the first event that begins counts, or the best of all beginnings.
    """

    steps: tuple[str, ...]
    order: Literal["ordered", "strict", "any"] = "ordered"
    entry: Literal["first", "best"] = "best"
    within: int | None = None


class StepCount(msgspec.Struct, frozen=True):
    """How many customers got through this step; in any order: made at least so many of the steps."""

    name: str
    count: int


class FunnelAnswer(msgspec.Struct, frozen=True):
    """One count a step, in the order asked."""

    steps: tuple[StepCount, ...]


def funnel(tape: Tape, question: FunnelQuestion) -> FunnelAnswer:
    """How many customers got through each step.  Raises Invalid for a name that was never seen.

    Semantics as ClickHouse's windowFunnel where ordered and best; vendors' defaults differ.
    """
    if not 0 < len(question.steps) <= _MOST_STEPS:
        raise Invalid(f"a funnel has 1 to {_MOST_STEPS} steps, not {len(question.steps)}", place="steps")
    codes = [code_of(tape, name, f"steps[{i}]") for i, name in enumerate(question.steps)]
    reached = (
        _in_any_order(tape, question, codes) if question.order == "any" else _in_order(tape, question, codes)
    )
    counts = np.cumsum(reached[::-1])[::-1][1:]
    return FunnelAnswer(tuple(map(StepCount, question.steps, counts.tolist())))


def _in_order(tape: Tape, question: FunnelQuestion, codes: list[int]) -> Ints:
    steps = np.zeros(len(tape.vocabulary), np.int64)
    for step, code in enumerate(codes):
        steps[code] |= 1 << step
    kernel = progress_strictly if question.order == "strict" else progress_in_order
    columns, span, once = happened(tape), _span(question), question.entry == "first"
    parts = by_parts(lambda starts: kernel(starts, *columns, steps, len(codes), span, once), tape.starts)
    reached: Ints = np.sum(parts, axis=0)
    return reached


def _in_any_order(tape: Tape, question: FunnelQuestion, codes: list[int]) -> Ints:
    distinct = list(dict.fromkeys(codes))
    steps = np.full(len(tape.vocabulary), -1, np.int32)
    steps[distinct] = np.arange(len(distinct), dtype=np.int32)
    wanted = np.array([codes.count(code) for code in distinct], np.int64)
    columns, span, once = happened(tape), _span(question), question.entry == "first"
    parts = by_parts(
        lambda starts: progress_in_any_order(starts, *columns, steps, wanted, span, once), tape.starts
    )
    reached: Ints = np.sum(parts, axis=0)
    return reached


def _span(question: FunnelQuestion) -> int:
    return int(NEVER) if question.within is None else question.within


FUNNEL = Metric("funnel", FunnelQuestion, funnel)
