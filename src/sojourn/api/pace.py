"""How fast one caller may go: a bucket a caller that fills at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict

from sojourn.api.problems import TooMany

_CALLERS = 10_000  # buckets remembered; a caller forgotten starts with a full one


class Pace:
    """Lets each caller make `rate` requests a second, and as many at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, caller: str) -> None:
        """Count one request of a caller; raises TooMany when it goes too fast."""
        now = time.monotonic()
        left, then = self._buckets.pop(caller, (self._rate, now))
        left = min(self._rate, left + (now - then) * self._rate)
        self._buckets[caller] = (max(left - 1, 0.0), now)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise TooMany(f"more than {self._rate:.0f} requests a second")
