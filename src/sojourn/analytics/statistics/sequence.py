"""How wide an interval must be so that it may be looked at after every customer, for as long as one likes.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas: Time-uniform central
limit theory and asymptotic confidence sequences (Annals of Statistics 52, 2024; arXiv 2103.06476).
"""

from __future__ import annotations

import math

EXPECTED = 5_000
"""Customers at whom the sequence is narrowest: what experimenters' tools set; far from it little is lost."""


def stretch(count: int, alpha: float, expected: int = EXPECTED) -> float:
    """By how many standard errors an estimate from `count` observations may be off, at all counts at once.

    √[((tρ² + 1) / (tρ²)) · log((tρ² + 1) / α²)], theorem 2.2; `alpha` is the chance that the truth is ever
    outside.  At one look alone 1.96 would do for 0.05; this is about 3.
    """
    spread = count * _tuning(alpha, expected)
    return math.sqrt((spread + 1) / spread * math.log((spread + 1) / alpha**2))


def _tuning(alpha: float, expected: int) -> float:
    """ρ², by which the sequence is narrowest at `expected` observations (appendix B.2)."""
    once = -2 * math.log(alpha)
    return (once + math.log(once + 1)) / expected
