"""When a refused message is tried again, and what a refusal says about the address."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channel.retry import (
    HOUR,
    MAIL,
    MINUTE,
    SECOND,
    WEBHOOK,
    Schedule,
    Standing,
    code_of,
    next_attempt,
    standing,
)

EFFECT = "0123456789abcdef"


def _attempts(schedule: Schedule, effect: str = EFFECT, retry_after: int = 0) -> list[int]:
    """The instants of all attempts of a message that is never taken, each failing at once."""
    instants = [0]
    while (
        due := next_attempt(
            schedule, effect, len(instants), first=0, now=instants[-1], retry_after=retry_after
        )
    ) is not None:
        instants.append(due)
    return instants


@given(st.integers(0, 2**63 - 1))
def test_a_webhook_is_tried_ten_times_over_three_days(number: int) -> None:
    """P32: 75 h 35 min, and each delay a little longer, never shorter."""
    instants = _attempts(WEBHOOK, f"{number:016x}")
    waited = [later - earlier for earlier, later in pairwise(instants)]
    assert len(instants) == 10
    assert sum(WEBHOOK.delays) == 75 * HOUR + 35 * MINUTE + 5 * SECOND
    assert all(delay <= wait <= delay * 1.1 for delay, wait in zip(WEBHOOK.delays, waited, strict=True))


@given(st.integers(0, 2**63 - 1))
def test_a_mail_is_tried_for_three_days(number: int) -> None:
    """P25: backoff up to 72 h, the last attempt then."""
    instants = _attempts(MAIL, f"{number:016x}")
    waited = [later - earlier for earlier, later in pairwise(instants)]
    assert instants[-1] == 72 * HOUR
    assert waited[0] <= 66 * SECOND
    assert max(waited) <= 4.4 * HOUR
    assert waited[:6] == sorted(waited[:6])
    assert 20 <= len(instants) <= 27


def test_greylisting_is_passed_within_minutes() -> None:
    assert any(15 * MINUTE <= instant <= 30 * MINUTE for instant in _attempts(MAIL))


def test_a_message_that_waited_for_us_is_not_tried_past_its_time() -> None:
    assert next_attempt(MAIL, EFFECT, 1, first=0, now=71 * HOUR) == 71 * HOUR + MINUTE + _jitter(MINUTE, 1)
    assert next_attempt(MAIL, EFFECT, 9, first=0, now=71 * HOUR) == 72 * HOUR
    assert next_attempt(MAIL, EFFECT, 9, first=0, now=72 * HOUR) is None


def test_jitter_is_the_same_for_ever_and_differs_between_messages() -> None:
    assert _attempts(MAIL) == _attempts(MAIL)
    assert len({_attempts(MAIL, f"{number:016x}")[1] for number in range(100)}) > 90


def test_what_the_far_side_asks_for_is_waited() -> None:
    assert _attempts(WEBHOOK, retry_after=600)[1] == 600 * SECOND
    assert _attempts(WEBHOOK, retry_after=600)[3] - _attempts(WEBHOOK, retry_after=600)[2] >= 30 * MINUTE
    assert _attempts(WEBHOOK, retry_after=10**9)[1] == 24 * HOUR
    assert _attempts(MAIL, retry_after=7200)[1] == 2 * HOUR


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("5.1.1", Standing.DEAD),
        ("5.1.2", Standing.DEAD),
        ("5.1.6", Standing.DEAD),
        ("5.1.10", Standing.DEAD),
        ("5.1.7", Standing.FINE),
        ("5.1.8", Standing.FINE),
        ("4.1.1", Standing.FINE),
        ("4.2.2", Standing.SOFT),
        ("5.2.2", Standing.SOFT),
        ("5.2.1", Standing.SOFT),
        ("5.2.3", Standing.FINE),
        ("5.7.1", Standing.FINE),
        ("5.7.515", Standing.FINE),
        ("5.6.7", Standing.FINE),
        ("550", Standing.SOFT),
        ("554", Standing.FINE),
        ("421", Standing.FINE),
        ("", Standing.FINE),
        ("timeout", Standing.FINE),
        ("5.1.1.1", Standing.FINE),
    ],
)
def test_only_what_is_said_of_the_address_counts_against_it(code: str, expected: Standing) -> None:
    assert standing(code) is expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (550, "5.1.1 <ada@example.org>: no such user", "5.1.1"),
        (550, "User unknown", "550"),
        (550, "10.5.1.1 is blocked", "550"),
        (451, "4.7.1 Greylisted", "4.7.1"),
        (451, "5.7.1 a class that is not its own", "451"),
        (550, "5.7.515 Access denied", "5.7.515"),
    ],
)
def test_the_code_of_an_answer(code: int, text: str, expected: str) -> None:
    assert code_of(code, text) == expected


def _jitter(delay: int, attempts: int) -> int:
    due = next_attempt(Schedule((delay,)), EFFECT, attempts, first=0, now=0)
    assert due is not None
    return due - delay
