"""Quotas agree with a plain reading, request by request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sojourn.tape.kernels.quota import NOT_OVER, over_quota

scope = st.tuples(st.integers(1, 2), st.integers(1, 2))  # channel, purpose
requests = st.lists(st.tuples(st.integers(0, 2), st.integers(10, 20), scope, st.booleans()), max_size=12)
grants = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 22), st.integers(0, 3), scope), max_size=12)
quotas = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 3), st.integers(1, 9)),
    min_size=1,
    max_size=3,
)

Scope = tuple[int, int]
Request = tuple[int, int, Scope, bool]
Grant = tuple[int, int, int, Scope]
Quota = tuple[int, int, int, int]


def plain(asked: list[Request], before: list[Grant], limits: list[Quota]) -> list[int]:
    over, allowed = [], list[Request]()
    for request in asked:
        customer, now, said, asks = request
        room = asks
        for channel, purpose, at_most, span in limits:
            scope = channel, purpose
            known = [grant for grant in before if grant[0] == customer and grant[1] + grant[2] <= now]
            times = [when for _, when, _, of in known if within(of, scope)]
            times += [when for whose, when, of, _ in allowed if whose == customer and within(of, scope)]
            counted = sorted((when for when in times if when >= now - span), reverse=True)
            full = asks and within(said, scope) and len(counted) >= at_most
            over.append(counted[at_most - 1] if full else int(NOT_OVER))
            room = room and not full
        if room:
            allowed.append(request)
    return over


def within(said: Scope, scope: Scope) -> bool:
    return scope[0] in (0, said[0]) and scope[1] in (0, said[1])


@given(requests, grants, quotas)
def test_what_is_over_a_quota(asked: list[Request], before: list[Grant], limits: list[Quota]) -> None:
    asked, before = sorted(asked), sorted(before)
    customers = np.arange(4)
    who, now, channels, purposes, asks = columns([(c, n, *s, a) for c, n, s, a in asked], 5)
    whose, times, late, of_channels, of_purposes = columns([(c, w, d, *s) for c, w, d, s in before], 5)
    limit_channels, limit_purposes, at_most, spans = columns(limits, 4)
    found = over_quota(
        np.searchsorted(who, customers),
        now,
        channels,
        purposes,
        asks.astype(bool),
        np.searchsorted(whose, customers),
        times,
        times + late,
        of_channels,
        of_purposes,
        limit_channels,
        limit_purposes,
        at_most,
        (now[:, None] - spans).reshape(-1),
    )
    assert found.tolist() == plain(asked, before, limits)


def columns(rows: Sequence[tuple[int, ...]], width: int) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    table = np.array(rows, np.int64).reshape(-1, width)
    return [np.ascontiguousarray(table[:, index]) for index in range(width)]
