"""When to try again what was refused for now."""

from __future__ import annotations

import msgspec

from sojourn.tape.hashing import hash_text

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_LONGEST_JITTER = 0.1
"""Of each delay: what failed together does not come back together, and yet never early."""


class Schedule(msgspec.Struct, frozen=True):
    """The delays after the first attempt, the second …, in microseconds.

    With `lasts` the last delay repeats until that long after the first attempt; without, each
    delay is waited once.
    """

    delays: tuple[int, ...]
    lasts: int = 0


MAIL = Schedule((MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR), lasts=72 * HOUR)
"""The early ones for greylisting, which lets one in after 1 to 15 minutes; mail servers settle at 4 hours."""

WEBHOOK = Schedule(
    (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
)
"""Standard Webhooks 1.0.0: ten attempts over 75 hours and 35 minutes."""


def next_attempt(
    schedule: Schedule, effect: str, attempts: int, *, first: int, now: int, retry_after: int = 0
) -> int | None:
    """The instant of the next attempt after `attempts` (from 1) have failed, or None to give up.

    `first` and `now` are the instants of the first and the last attempt, microseconds UTC.
    `retry_after` is what the far side asked for, in seconds; more than the longest delay is not
    believed.  The jitter is a hash of effect and attempt.
    """
    repeats = bool(schedule.lasts)
    if attempts > len(schedule.delays) and not repeats:
        return None
    if repeats and now >= first + schedule.lasts:
        return None
    delay = schedule.delays[min(attempts, len(schedule.delays)) - 1]
    share = hash_text(f"{effect}:{attempts}") / 2**63
    asked = min(retry_after * SECOND, max(schedule.delays))
    due = now + max(delay + int(delay * _LONGEST_JITTER * share), asked)
    return min(due, first + schedule.lasts) if repeats else due
