"""Remembers what was worked out of a tape or a column for as long as that lives."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Owner = TypeVar("Owner", bound=Hashable)
Made = TypeVar("Made")

_known: WeakKeyDictionary[Any, dict[Hashable, Any]] = WeakKeyDictionary()


def remembered(owner: Hashable, key: Hashable, make: Callable[[], Made]) -> Made:
    """What `make` answers, made once for an owner and key; owners are told apart by identity.

    `make` may run twice if two threads ask at once, which is harmless as it is pure.
    """
    known = _known.setdefault(owner, {})
    if key not in known:
        known[key] = make()
    made: Made = known[key]
    return made


def is_remembered(owner: Hashable, key: Hashable) -> bool:
    """Whether it was made before."""
    return key in _known.get(owner, {})
