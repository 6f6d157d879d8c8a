"""P18: in whatever order things happen, an event counts for a wait if the wait says so, and never rewinds."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from sojourn.journey.play import Playing, play
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs
from sojourn.journey.text import read_journey
from sojourn.journey.world import World
from sojourn.tape.build import build
from sojourn.tape.tape import NEVER

HOUR = 3_600_000_000
NINE = 1_772_355_600_000_000 // 64 * 64

JOURNEY = """
journey: orders
enter: [{{event: Enter}}]
leave_if: {{performed: Exit, since: entry}}
steps:
  gate: {{wait_for: [{{event: Wait}}]}}
  wait: {{wait_for: [{{event: Event, since: {since}}}], at_most: {at_most}, otherwise: late}}
  heard: {{leave: heard}}
  late: {{leave: late}}
"""
EVENTS = {"E": "Enter", "W": "Wait", "V": "Event", "X": "Exit"}

# Enter, the arrival on the Wait, the awaited eVent and the eXit at 9, 10, 11 and 12 o'clock in this order.
# What comes of it if the time is up after half an hour or after ten hours, and if the event counts from
# the arrival or from the entry on.
TABLE = {
    # order  since arrival:       since entry:
    #        half    ten hours    half    ten hours
    "EWVX": ("late", "heard", "late", "heard"),
    "EWXV": ("late", "rule", "late", "rule"),
    "EVWX": ("late", "rule", "heard", "heard"),
    "EVXW": ("rule", "rule", "rule", "rule"),
    "EXWV": ("rule", "rule", "rule", "rule"),
    "EXVW": ("rule", "rule", "rule", "rule"),
    "VEWX": ("late", "rule", "late", "rule"),
    "VEXW": ("rule", "rule", "rule", "rule"),
    "XEWV": ("late", "heard", "late", "heard"),
    "XEVW": ("late", "late", "heard", "heard"),
    "VXEW": ("late", "late", "late", "late"),
    "XVEW": ("late", "late", "late", "late"),
    "WEVX": ("rule", "rule", "rule", "rule"),
    "WEXV": ("rule", "rule", "rule", "rule"),
    "WVEX": ("rule", "rule", "rule", "rule"),
    "VWEX": ("rule", "rule", "rule", "rule"),
    "WXEV": ("on gate", "on gate", "on gate", "on gate"),
    "XWEV": ("on gate", "on gate", "on gate", "on gate"),
    "WVXE": ("on gate", "on gate", "on gate", "on gate"),
    "WXVE": ("on gate", "on gate", "on gate", "on gate"),
    "VWXE": ("on gate", "on gate", "on gate", "on gate"),
    "XWVE": ("on gate", "on gate", "on gate", "on gate"),
    "VXWE": ("on gate", "on gate", "on gate", "on gate"),
    "XVWE": ("on gate", "on gate", "on gate", "on gate"),
}
SETTINGS = [(since, span) for since in ("arrival", "entry") for span in ("30 minutes", "10 hours")]


def test_the_table_is_complete() -> None:
    assert set(TABLE) == {"".join(order) for order in permutations("EWVX")}


@pytest.mark.parametrize("belated", [False, True], ids=["at once", "happened long before we met it"])
@pytest.mark.parametrize("order", TABLE)
def test_what_comes_of_an_order(order: str, belated: bool) -> None:
    for (since, at_most), expected in zip(SETTINGS, TABLE[order], strict=True):
        program = Program(read_journey(JOURNEY.format(since=since, at_most=at_most)))
        assert outcome(program, order, belated, 1) == expected, (since, at_most)
        assert outcome(program, order, belated, 4) == expected, (since, at_most, "in stretches")


def outcome(program: Program, order: str, belated: bool, stretches: int) -> str:
    """Why the customer left, or where they stand, when all of it is played in so many stretches of time."""
    received = NINE + np.arange(4) * HOUR
    happened = received.copy()
    happened[order.index("V")] -= 5 * HOUR * belated
    tape = build(
        np.ones(4, np.int64),
        happened,
        received,
        np.arange(4, dtype=np.int32),
        tuple(EVENTS[one] for one in order),
        keys=np.arange(1, 5),
    )
    known, before = Runs.empty(np.empty(0, np.int64), np.empty(0, np.int64)), 0
    for until in np.linspace(NINE, NINE + 30 * HOUR, stretches + 1, dtype=np.int64)[1:].tolist():
        world = World(tape=tape)
        player = Playing((program,), world, np.full(1, before), until, known)
        play([player], world, until)
        known, before = player.runs.take(np.flatnonzero(player.runs.ids)), until
    left = known.left[0] != NEVER
    return program.reasons[known.reasons[0]] if left else f"on {program.placed[known.steps[0]].id}"
