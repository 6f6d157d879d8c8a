"""Keeps account of what one rendering may use: the size of its values and the work of its filters."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from liquid.exceptions import ResourceLimitError

LARGEST_VALUE = 200_000  # characters of a text, or of all texts of a list
LONGEST_LIST = 1_000
LARGEST_NUMBER = 1 << 256
MOST_WORK = 20_000_000  # about a second of the slowest filter


@dataclass
class Work:
    """One rendering under way."""

    now: int  # microseconds UTC
    zone: str
    left: int = MOST_WORK
    missing: dict[str, None] = field(default_factory=dict)  # names in the order in which they were met

    def spend(self, given: object) -> None:
        """Take the work of looking at a value off what is left.  Raises ResourceLimitError."""
        size = size_of(given)
        if size > LARGEST_VALUE:
            raise ResourceLimitError(f"a value is larger than {LARGEST_VALUE:,} characters", token=None)
        # Some filters compare every item of a list with every other.
        self.left -= 1 + size + (len(given) ** 2 if isinstance(given, (list, tuple, range)) else 0)
        if self.left < 0:
            raise ResourceLimitError("the filters of the template have too much work", token=None)


working: ContextVar[Work] = ContextVar("working")


def size_of(value: object) -> int:
    """The characters that a value takes, about.  Raises ResourceLimitError for a list or number too large."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple, range)):
        if len(value) > LONGEST_LIST:
            raise ResourceLimitError(f"a list has more than {LONGEST_LIST:,} items", token=None)
        return 20 * len(value) if isinstance(value, range) else sum(map(size_of, value))
    if isinstance(value, dict):
        return sum(map(size_of, value.values()))
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise ResourceLimitError("a number is too large", token=None)
    return 20
