"""Makes the synthetic history that the benches share: many customers, many events, traits and amounts."""

from __future__ import annotations

import numpy as np

from sojourn.tape.build import build
from sojourn.tape.tape import Column, Ints, Tape

WEIGHTS = {
    "Signed Up": 0.0,  # everyone's first event, and nobody's second
    "Page Viewed": 30.0,
    "Product Viewed": 20.0,
    "Products Searched": 12.0,
    "Product Added": 9.0,
    "Email Delivered": 8.0,
    "Email Opened": 5.0,
    "Cart Viewed": 4.0,
    "Checkout Started": 3.0,
    "Order Completed": 2.5,
    "Email Link Clicked": 2.0,
    "Coupon Entered": 1.5,
    "Product Removed": 1.0,
    "Product Reviewed": 0.8,
    "Wishlist Product Added": 0.6,
    "Product Shared": 0.3,
    "Payment Failed": 0.2,
    "Unsubscribed": 0.1,
}
VOCABULARY = tuple(WEIGHTS)
PLANS = ("free", "trial", "basic", "plus", "team")
COUNTRIES = ("DE", "FR", "GB", "US", "IN", "BR", "JP", "NG")
START = 1_735_689_600_000_000  # 2025-01-01 UTC, in µs
DAYS = 180
_MILLISECONDS = DAYS * 86_400_000


def synthetic(customers: int = 500_000, events: int = 10_000_000, seed: int = 1) -> Tape:
    """A tape of so many customers and events over 180 days, nothing late; the same one for a seed.

    Each customer has one event or more, a few have very many.  The first sets the traits plan,
    country and age; an order carries its amount.
    """
    dice = np.random.default_rng(seed)
    counts = _counts(dice, customers, events)
    owners = np.repeat(np.arange(customers), counts)
    first = np.cumsum(counts) - counts
    names = _names(dice, events, first)
    orders = np.flatnonzero(names == VOCABULARY.index("Order Completed"))
    return build(
        owners + 1,
        _times(dice, owners),
        None,
        names,
        VOCABULARY,
        properties={"amount": _numbers(orders, np.round(dice.lognormal(3.5, 0.8, len(orders)), 2))},
        traits={
            "plan": _texts(dice, first, PLANS),
            "country": _texts(dice, first, COUNTRIES),
            "age": _numbers(first, dice.integers(18, 90, customers).astype(np.float64)),
        },
    )


def _counts(dice: np.random.Generator, customers: int, events: int) -> Ints:
    shares = dice.lognormal(0, 1, customers)
    counts: Ints = 1 + np.floor(shares / shares.sum() * (events - customers)).astype(np.int64)
    counts[: events - counts.sum()] += 1
    return counts


def _times(dice: np.random.Generator, owners: Ints) -> Ints:
    """Even over the span, ascending within each customer: both sorted as one number, in milliseconds."""
    keys = owners * _MILLISECONDS + dice.integers(0, _MILLISECONDS, len(owners))
    keys.sort()
    times: Ints = START + (keys - owners * _MILLISECONDS) * 1_000
    return times


def _names(dice: np.random.Generator, events: int, first: Ints) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    weights = np.array(list(WEIGHTS.values()))
    names = dice.choice(len(weights), events, p=weights / weights.sum()).astype(np.int32)
    names[first] = VOCABULARY.index("Signed Up")
    return names


def _numbers(positions: Ints, numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Column:
    return Column(positions, numbers, np.full(len(positions), -1, np.int32), ())


def _texts(dice: np.random.Generator, positions: Ints, texts: tuple[str, ...]) -> Column:
    codes = dice.integers(0, len(texts), len(positions)).astype(np.int32)
    return Column(positions, np.full(len(positions), np.nan), codes, texts)
