"""Keeps and changes the order of events: strictly increasing when met, as they happened, two tapes as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import INTS, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Ints


@kernel(INTS, INTS)
def falls(starts: Ints, times: Ints) -> bool:
    """Whether the times of some customer ever go down."""
    for customer in range(len(starts) - 1):
        for event in range(starts[customer] + 1, starts[customer + 1]):
            if times[event] < times[event - 1]:
                return True
    return False


@kernel(INTS, INTS)
def rises(starts: Ints, received: Ints) -> bool:
    """Whether the instants of every customer strictly increase."""
    for customer in range(len(starts) - 1):
        for event in range(starts[customer] + 1, starts[customer + 1]):
            if received[event] <= received[event - 1]:
                return False
    return True


@kernel(INTS, INTS)
def spread(starts: Ints, received: Ints) -> Ints:
    """The instants with each pushed 1 µs past the one before it where it is not already."""
    pushed = received.copy()
    for customer in range(len(starts) - 1):
        for event in range(starts[customer] + 1, starts[customer + 1]):
            pushed[event] = max(pushed[event], pushed[event - 1] + 1)
    return pushed


@kernel(INTS, INTS)
def by_happened(starts: Ints, times: Ints) -> Ints:
    """The positions in the order (customer, time, position): the order in which things happened."""
    order = np.arange(len(times))
    for customer in range(len(starts) - 1):
        low, high = starts[customer], starts[customer + 1]
        for event in range(low + 1, high):
            if times[event] < times[event - 1]:
                order[low:high] = low + np.argsort(times[low:high], kind="mergesort")
                break
    return order


@kernel(INTS, INTS, INTS, INTS, INTS, INTS)
def interleave(
    customers: Ints, starts: Ints, received: Ints, others: Ints, other_starts: Ints, other_received: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Merge two tapes: the customers and starts of both, and where the events of each of the two go.

    Events met at the same instant keep the first tape's before the second's.
    """
    union = np.empty(len(customers) + len(others), np.int64)
    merged = np.zeros(len(union) + 1, np.int64)
    place, other_place = np.empty(len(received), np.int64), np.empty(len(other_received), np.int64)
    a = b = count = at = 0
    while a < len(customers) or b < len(others):
        take_a = b == len(others) or (a < len(customers) and customers[a] <= others[b])
        take_b = a == len(customers) or (b < len(others) and others[b] <= customers[a])
        union[count] = customers[a] if take_a else others[b]
        i, i_end = (starts[a], starts[a + 1]) if take_a else (0, 0)
        j, j_end = (other_starts[b], other_starts[b + 1]) if take_b else (0, 0)
        while i < i_end or j < j_end:
            if j == j_end or (i < i_end and received[i] <= other_received[j]):
                place[i] = at
                i += 1
            else:
                other_place[j] = at
                j += 1
            at += 1
        a += take_a
        b += take_b
        count += 1
        merged[count] = at
    return union[:count].copy(), merged[: count + 1].copy(), place, other_place
