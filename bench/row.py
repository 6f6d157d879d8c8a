"""A row of what is measured: a figure, what it is compared with, and the bar that it has to reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One measured thing.  The bar is for the ratio where there is one, else for the figure itself."""

    what: str
    figure: float
    unit: str
    bar: float
    ratio: float | None = None
    to: str = ""  # what the ratio is to, measured within the same run
    less: bool = False  # whether the bar must not be reached: less is better
    more: Mapping[str, object] = field(default_factory=dict)  # whatever else was seen on the way

    @property
    def met(self) -> bool:
        """Whether it is on the right side of the bar."""
        compared = self.figure if self.ratio is None else self.ratio
        return compared < self.bar if self.less else compared >= self.bar

    def told(self) -> dict[str, object]:
        """The row as plain values."""
        compared = {} if self.ratio is None else {"ratio": self.ratio, "to": self.to}
        bar = {"bar": self.bar, "better": "less" if self.less else "more", "met": self.met}
        return {"what": self.what, "figure": self.figure, "unit": self.unit, **compared, **bar, **self.more}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rounded(number: float, digits: int = 3) -> float:
    """As many digits as say something: 3 unless told."""
    return float(f"{number:.{digits}g}")
