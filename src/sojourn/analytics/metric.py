"""What a metric is: a question with its whole specification, and the function that answers it from tapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from sojourn.analytics import metrics
from sojourn.registry import declared
from sojourn.tape.tape import Tape


@dataclass(frozen=True)
class Metric:
    """One metric; its question and its answer are frozen msgspec structs."""

    name: str
    question: type[msgspec.Struct]
    answer: Callable[[Tape, Any], msgspec.Struct]


@cache
def all_metrics() -> Mapping[str, Metric]:
    """The metrics there are, by name."""
    return declared(metrics, Metric)
