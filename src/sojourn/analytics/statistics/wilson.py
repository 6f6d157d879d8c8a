"""The interval of a share that is looked at once: what stands beside every rate."""

from __future__ import annotations

import math

_NORMAL = 1.959963984540054  # 95 % of a normal curve lies within so many standard deviations


def wilson(reached: int, count: int) -> tuple[float, float] | None:
    """Between which shares the true one is, at 95 %; None of nobody.  Wilson 1927.

    Unlike the textbook's interval it is right for few customers, and never below 0 or above 1.
    """
    if not count:
        return None
    share, square = reached / count, _NORMAL**2 / count
    middle = share + square / 2
    half = _NORMAL * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))
