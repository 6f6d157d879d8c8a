"""What steps read of customers they say, so that what is kept in memory of them has it."""

from __future__ import annotations

import pytest

from sojourn.journey.program import Program
from sojourn.journey.text import read_journey


@pytest.mark.parametrize(
    ("step", "read"),
    [
        ("{assign_owner: {in_turn: [anna, ben], keep: true}}", {"owner"}),
        ("{assign_owner: {in_turn: [anna, ben]}}", set()),
        ("{create_task: {title: Call them, within: 2 hours}}", {"owner"}),
        ("{create_task: {title: Call them, within: 2 hours, role: sales}}", set()),
        ("{wait_until_date: {trait: trial_ends}}", {"trial_ends"}),
    ],
)
def test_a_step_says_which_traits_it_reads(step: str, read: set[str]) -> None:
    journey = read_journey(f"{{journey: j, enter: [{{event: A}}], steps: {{s: {step}}}}}")
    assert Program(journey, 1).needs({}).traits == read
