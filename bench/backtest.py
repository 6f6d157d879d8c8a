"""Times a backtest: a journey of seven steps over the history of many customers, on one core and on all.

History is in memory and its kernels are loaded.  The first time that a draft is asked, the events that
it reads are picked from the tape; the other times are told apart (`again_s`), as an editor asks again
after each change.  The live rate is measured beside it, on SQLite; and so is, over a tenth of the
history, a journey that sends mail: it asks the policy, and is played three times (as it is likely to
be answered, by nobody, by everybody).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np

from bench.data import DAYS, START, synthetic
from bench.databases import databases
from bench.live import lived
from bench.row import Row, rounded, seconds
from sojourn.journey.text import read_journey
from sojourn.message.policy import parse
from sojourn.runtime.backtest import Answer, Question, backtest
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.ticking.worker import get_ready
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Tape

STEPS, SECONDS, TIMES_LIVE = 2_000_000, 1.0, 20
CUSTOMERS, EVENTS, ROUNDS = 500_000, 10_000_000, 3
LIVE_CUSTOMERS = 20_000
DAY = 86_400_000_000

DRAFT = """
journey: cart
enter: [{event: Product Added, again: after leaving}]
goal: {event: Order Completed, within: 60 days}
steps:
  pause: {wait: 2 days}
  active:
    branch: [{if: {performed: Page Viewed, at_least: 2, within: 7 days}, then: listen}]
    otherwise: calm
  calm: {wait: 1 day}
  listen:
    wait_for: [{event: Checkout Started, then: arms}]
    at_most: 5 days
    otherwise: last
  arms: {split: [{name: some, then: last}, {name: others, then: bye}]}
  last: {wait: 3 days}
  bye: {leave: done}
"""

WITH_MAIL = """
journey: cart
enter: [{event: Product Added, again: after leaving}]
goal: {event: Order Completed, within: 60 days}
steps:
  pause: {wait: 2 hours}
  remind: {send: {template: remind, purpose: marketing}}
  listen:
    wait_for: [{clicked: remind, then: last}, {event: Checkout Started, then: bye}]
    at_most: 3 days
    otherwise: again
  again: {send: {template: again, purpose: marketing}}
  seen: {branch: [{if: {opened: again}, then: last}], otherwise: bye}
  last: {wait: 1 day}
  bye: {leave: done}
"""
POLICY = {"caps": [{"at_most": 3, "days": 7, "then": "suppress"}], "consent": {"marketing": "none"}}


@dataclass(frozen=True)
class Timed:
    """A draft that was asked several times."""

    first: float  # seconds
    again: float  # seconds, the best of the other times
    answer: Answer

    @property
    def steps(self) -> int:
        """Visits of steps; where mail is sent, those of the play that assumes the likely responses."""
        return sum(step.visits for step in self.answer.steps)

    @property
    def rate(self) -> float:
        """Steps a second, when asked again."""
        return self.steps / self.again


def measure(*, small: bool) -> list[Row]:
    """Steps a second on one core, seconds on all, and how much faster than live that is."""
    get_ready()
    part = 10 if small else 1
    _timed(DRAFT, _history(500, 10_000), 1)  # what is imported at first use is not part of a backtest
    tape = _history(CUSTOMERS // part, EVENTS // part)
    with _one_core():
        one = _timed(DRAFT, replace(tape), ROUNDS)
    every = _timed(DRAFT, replace(tape), ROUNDS)
    mailing = _timed(WITH_MAIL, _history(CUSTOMERS // part // 10, EVENTS // part // 10), 1)
    with databases("sqlite") as fresh:
        lived(fresh, 300)
        live = lived(fresh, LIVE_CUSTOMERS // part).steps_a_second
    times_live = rounded(one.rate / live)
    tenth = {"with_mail_a_tenth_s": rounded(mailing.again), "with_mail_a_tenth_steps": mailing.steps}
    return [
        Row("backtest, one core", rounded(one.rate), "steps/s", STEPS, more={"steps": one.steps}),
        Row("backtest, one core, against live", rounded(one.rate), "steps/s", TIMES_LIVE, times_live, "live"),
        Row("backtest, all cores, first asking", rounded(every.first), "s", SECONDS, less=True),
        Row("backtest, all cores, asked again", rounded(every.again), "s", SECONDS, less=True, more=tenth),
    ]


@contextmanager
def _one_core() -> Iterator[None]:
    """As if NUMBA_NUM_THREADS were 1."""
    config: Any = numba.config
    every, config.NUMBA_NUM_THREADS = config.NUMBA_NUM_THREADS, 1
    try:
        yield
    finally:
        config.NUMBA_NUM_THREADS = every


def _history(customers: int, events: int) -> Tape:
    """A history whose events have keys, as they have in the lake."""
    tape = synthetic(customers, events)
    return replace(tape, keys=mix(np.arange(len(tape)), 1))


def _timed(draft: str, tape: Tape, rounds: int) -> Timed:
    journey, catalogue = read_journey(draft), Catalogue(policy=parse(POLICY))
    answers: list[Answer] = []

    def ask() -> None:
        answers.append(backtest(journey, tape, catalogue, Question(until=START + DAYS * DAY)))

    first, *again = (seconds(ask) for _ in range(rounds + 1))
    return Timed(first, min(again), answers[0])
