"""Tells whether customers fell into the arms as they were to: if not, no comparison is worth a look."""

from __future__ import annotations

import math
from collections.abc import Sequence

SUSPICIOUS = 0.001
"""Below this chance the draw is not believed; the field's threshold (Fabijan et al. 2019: Diagnosing SRM)."""

FEWEST_EXPECTED = 5
"""Customers that each arm should have had before χ² is more than a guess (Cochran 1954)."""


def chance(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The chance of a draw at least as far from the shares as this one: Pearson's χ² test.

    1 where so few were drawn that the test would be a guess.  The shares are above 0 and add up to 1.
    """
    total = sum(counts)
    wanted = [total * share for share in shares]
    if min(wanted) < FEWEST_EXPECTED:
        return 1.0
    squares = sum((count - one) ** 2 / one for count, one in zip(counts, wanted, strict=True))
    return beyond(squares, len(counts) - 1)


def complaint(names: Sequence[str], counts: Sequence[int], shares: Sequence[float]) -> str:
    """Why the arms cannot be compared, as a sentence; empty where they fell as they were to."""
    found = chance(counts, shares)
    if found >= SUSPICIOUS:
        return ""
    total = sum(counts)
    told = ", ".join(
        f"{name} has {count:,} of {total:,} customers ({count / total:.1%}) instead of {share:.1%}"
        for name, count, share in zip(names, counts, shares, strict=True)
    )
    return f"{told}; by chance that happens less than once in {int(1 / max(found, 1e-12)):,} times"


def beyond(squares: float, freedom: int) -> float:
    """The chance that χ² with so many degrees of freedom is at least `squares`.

    The finite sums of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.4.4 and 26.4.5.
    """
    half, steps = squares / 2, range(freedom // 2)
    if freedom % 2 == 0:
        return math.exp(-half) * sum(math.pow(half, n) / math.gamma(n + 1) for n in steps)
    odd = sum(math.pow(half, n + 0.5) / math.gamma(n + 1.5) for n in steps)
    return math.erfc(math.sqrt(half)) + math.exp(-half) * odd
