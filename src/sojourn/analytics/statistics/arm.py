"""An arm: what is known of the customers of one group, in as few numbers as comparing them takes."""

from __future__ import annotations

from dataclasses import dataclass

from sojourn.tape.tape import Floats

FEWEST = 30
"""Customers without whom a mean says nothing: what the field takes for the least."""

FEWEST_EITHER = 10
"""Customers of an arm who must have done it, and who must not have, before the normal curve fits."""


@dataclass(frozen=True)
class Arm:
    """One group: how many customers, what each of them came to, and how much they differ.

    Of a goal `mean` is the share who reached it; of money it is what each spent on average.
    """

    name: str
    count: int
    mean: float
    variance: float  # between customers, as a sample's
    reached: int  # who reached the goal, or spent anything
    of_goal: bool = False

    @staticmethod
    def of_counts(name: str, count: int, reached: int) -> Arm:
        """The arm of which so many of its customers reached the goal."""
        mean = reached / count if count else 0.0
        variance = mean * (1 - mean) * count / (count - 1) if count > 1 else 0.0
        return Arm(name, count, mean, variance, reached, of_goal=True)

    @staticmethod
    def of_values(name: str, values: Floats, reached: int | None = None) -> Arm:
        """The arm whose customers came to these values, float64[n]; by default who has any `reached`."""
        count = len(values)
        mean = float(values.mean()) if count else 0.0
        variance = float(values.var(ddof=1)) if count > 1 else 0.0
        known = int((values > 0).sum()) if reached is None else reached
        return Arm(name, count, mean, variance, known)

    @property
    def lacking(self) -> str:
        """What is missing before anything can be said of the arm; empty if nothing is."""
        if self.count < FEWEST:
            return f"{self.name} has {self.count} customers, of at least {FEWEST}"
        if self.reached < FEWEST_EITHER:
            return f"in {self.name} {self.reached} customers did it, of at least {FEWEST_EITHER}"
        if self.of_goal and self.count - self.reached < FEWEST_EITHER:
            return f"in {self.name} all but {self.count - self.reached} customers did it"
        return ""
