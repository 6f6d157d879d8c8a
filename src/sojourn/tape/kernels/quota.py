"""Answers requests in their order, each only while the quotas that it falls under are not used up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sojourn.tape.kernels.kernel import BOOLS, INTS, inner, kernel

if TYPE_CHECKING:
    from sojourn.tape.tape import Bools, Ints

NOT_OVER = np.int64(np.iinfo(np.int64).min)


@kernel(INTS, INTS, INTS, INTS, BOOLS, INTS, INTS, INTS, INTS, INTS, INTS, INTS, INTS, INTS)
def over_quota(
    starts: Ints,
    now: Ints,
    channels: Ints,
    purposes: Ints,
    asking: Bools,
    grant_starts: Ints,
    grant_times: Ints,
    grant_received: Ints,
    grant_channels: Ints,
    grant_purposes: Ints,
    quota_channels: Ints,
    quota_purposes: Ints,
    at_most: Ints,
    since: Ints,
) -> Ints:
    """For each of m requests and q quotas the grant whose ageing makes room, NOT_OVER where there is room.

    Customer c has the requests starts[c] to starts[c + 1], in the order in which they are answered, and
    the grants grant_starts[c] to grant_starts[c + 1], in order of time.  A quota with channel or purpose 0
    is for all.  `since` is int64[m * q], from when grants count; those met after the request do not.
    A request that `asks` and is under no used-up quota is granted and counts for the next.
    """
    quotas = len(at_most)
    over = np.full(len(now) * quotas, NOT_OVER)
    granted = np.zeros(len(now), np.bool_)
    for customer in range(len(starts) - 1):
        for request in range(starts[customer], starts[customer + 1]):
            room = asking[request]
            for quota in range(quotas):
                channel, purpose = quota_channels[quota], quota_purposes[quota]
                if not asking[request] or not _falls_under(request, channels, purposes, channel, purpose):
                    continue
                mine, other = request - 1, grant_starts[customer + 1] - 1
                nth = NOT_OVER
                for _ in range(at_most[quota]):
                    while mine >= starts[customer] and not (
                        granted[mine] and _falls_under(mine, channels, purposes, channel, purpose)
                    ):
                        mine -= 1
                    while other >= grant_starts[customer] and not (
                        grant_received[other] <= now[request]
                        and _falls_under(other, grant_channels, grant_purposes, channel, purpose)
                    ):
                        other -= 1
                    nth = NOT_OVER
                    if mine >= starts[customer]:
                        nth = now[mine]
                    if other >= grant_starts[customer] and grant_times[other] >= nth:
                        nth = grant_times[other]
                        other -= 1
                    else:
                        mine -= 1
                    if nth < since[request * quotas + quota]:
                        nth = NOT_OVER
                        break
                if nth != NOT_OVER:
                    over[request * quotas + quota] = nth
                    room = False
            granted[request] = room
    return over


@inner
def _falls_under(index: int, channels: Ints, purposes: Ints, channel: int, purpose: int) -> bool:
    return (channel in (0, channels[index])) and (purpose in (0, purposes[index]))
